// Four Go clients, each doing what clients do with a broker: `clients CLIENT BOOTSTRAP PREFIX` prints a line of JSON for each step.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// No step takes so long that ends at all.
const patience = 60 * time.Second

// What all programs share: where the broker is and names that no other run has.
type run struct {
	bootstrap string
	prefix    string
	failed    bool
}

type line struct {
	Step  string `json:"step"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Ms    int64  `json:"ms"`
}

// Does one step and says how it ended.
func (r *run) step(name string, do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begin := time.Now()
	err := guarded(ctx, do)
	said := line{Step: name, OK: err == nil, Ms: time.Since(begin).Milliseconds()}
	if err != nil {
		said.Error = err.Error()
		r.failed = true
	}
	text, _ := json.Marshal(said)
	fmt.Println(string(text))
}

// A panic and a call that does not return are errors of the step, too.
func guarded(ctx context.Context, do func(ctx context.Context) error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if why := recover(); why != nil {
				done <- fmt.Errorf("panic: %v", why)
			}
		}()
		done <- do(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(patience + time.Second):
		return fmt.Errorf("no end after %v", patience)
	}
}

func (r *run) name(what string) string {
	return r.prefix + "-" + what
}

func same[T comparable](what string, is, expected T) error {
	if is != expected {
		return fmt.Errorf("%s is %v instead of %v", what, is, expected)
	}
	return nil
}

// Waits until an answer is as expected: the end of a transaction, say, takes effect a moment after it is answered.
func becomes[T comparable](ctx context.Context, expected T, ask func() (T, error)) error {
	for {
		is, err := ask()
		if err != nil {
			return err
		}
		if is == expected {
			return nil
		}
		if ctx.Err() != nil {
			return same("the answer", is, expected)
		}
	}
}

// Waits until a topic is not among those there are: a broker may take a moment.
func gone(ctx context.Context, topic string, list func() (map[string]bool, error)) error {
	for ctx.Err() == nil {
		names, err := list()
		if err != nil {
			return err
		}
		if !names[topic] {
			return nil
		}
	}
	return fmt.Errorf("%s is still there", topic)
}

func main() {
	clients := map[string]func(*run){
		"franz-go": franz, "sarama": saramaClient, "confluent-kafka-go": confluent, "kafka-go": segmentio,
	}
	if len(os.Args) != 4 || clients[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients CLIENT BOOTSTRAP PREFIX")
		os.Exit(2)
	}
	r := &run{bootstrap: os.Args[2], prefix: os.Args[3]}
	clients[os.Args[1]](r)
	if r.failed {
		os.Exit(1)
	}
}
