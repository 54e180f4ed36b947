// Reads a history of clients (JSON lines) and says whether one order of its operations explains all
// answers: a linearizability check by Porcupine, against a registry of a few lines.
//
//	checker HISTORY
//
// Exit code 0: there is such an order for every subject and every configuration. 1: there is none; the
// objects are named. 2: the check did not end in time.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const timeout = 10 * time.Minute

// Operation is a line of the history. Return is -1 if nobody knows whether it was done.
type Operation struct {
	Client  int       `json:"client"`
	Object  string    `json:"object"`
	Op      string    `json:"op"`
	Schema  string    `json:"schema"`
	Version int       `json:"version"`
	Level   string    `json:"level"`
	Call    int64     `json:"call"`
	Return  int64     `json:"return"`
	Answer  Answer    `json:"answer"`
	Found   []version `json:"found"`
}

// Answer is what came back: a code of an error, or what was done.
type Answer struct {
	Code     int    `json:"code"`
	Version  int    `json:"version"`
	Versions []int  `json:"versions"`
	Level    string `json:"level"`
}

type version struct {
	Number  int    `json:"version"`
	Schema  string `json:"schema"`
	Deleted bool   `json:"deleted"`
}

// state of a subject, or of a configuration.
type state struct {
	versions []version
	level    string
}

const (
	done               = 0
	subjectNotFound    = 40401
	versionNotFound    = 40402
	subjectSoftDeleted = 40404
	subjectNotDeleted  = 40405
	versionSoftDeleted = 40406
)

func (s state) live() (numbers []int) {
	for _, v := range s.versions {
		if !v.Deleted {
			numbers = append(numbers, v.Number)
		}
	}
	return
}

func (s state) all() (numbers []int) {
	for _, v := range s.versions {
		numbers = append(numbers, v.Number)
	}
	return
}

func (s state) register(schema string) (state, Answer) {
	for i := len(s.versions) - 1; i >= 0; i-- {
		if v := s.versions[i]; !v.Deleted && v.Schema == schema {
			return s, Answer{Version: v.Number}
		}
	}
	next := 1
	if len(s.versions) > 0 {
		next = s.versions[len(s.versions)-1].Number + 1
	}
	var after []version
	for _, v := range s.versions {
		if !(v.Deleted && v.Schema == schema) { // it gives way to the new one
			after = append(after, v)
		}
	}
	after = append(after, version{Number: next, Schema: schema})
	return state{versions: after}, Answer{Version: next}
}

func (s state) deleteSubject() (state, Answer) {
	live := s.live()
	switch {
	case len(s.versions) == 0:
		return s, Answer{Code: subjectNotFound}
	case len(live) == 0:
		return s, Answer{Code: subjectSoftDeleted}
	}
	after := slices.Clone(s.versions)
	for i := range after {
		after[i].Deleted = true
	}
	return state{versions: after}, Answer{Versions: live}
}

func (s state) purgeSubject() (state, Answer) {
	switch {
	case len(s.versions) == 0:
		return s, Answer{Code: subjectNotFound}
	case len(s.live()) > 0:
		return s, Answer{Code: subjectNotDeleted}
	}
	return state{}, Answer{Versions: s.all()}
}

func (s state) deleteVersion(number int) (state, Answer) {
	if len(s.versions) == 0 {
		return s, Answer{Code: subjectNotFound}
	}
	for i, v := range s.versions {
		switch {
		case v.Number == number && v.Deleted:
			return s, Answer{Code: versionSoftDeleted}
		case v.Number == number:
			after := slices.Clone(s.versions)
			after[i].Deleted = true
			return state{versions: after}, Answer{Version: number}
		}
	}
	return s, Answer{Code: versionNotFound}
}

func (s state) deleteConfig() (state, Answer) {
	if s.level == "" {
		return s, Answer{Code: subjectNotFound}
	}
	return state{}, Answer{Level: s.level}
}

func (s state) do(op Operation) (state, Answer) {
	switch op.Op {
	case "register":
		return s.register(op.Schema)
	case "delete_subject":
		return s.deleteSubject()
	case "purge_subject":
		return s.purgeSubject()
	case "delete_version":
		return s.deleteVersion(op.Version)
	case "put_config":
		return state{level: op.Level}, Answer{Level: op.Level}
	case "delete_config":
		return s.deleteConfig()
	}
	panic("no operation is called " + op.Op)
}

func equal(a, b state) bool {
	return a.level == b.level && slices.Equal(a.versions, b.versions)
}

func same(a, b Answer) bool {
	return a.Code == b.Code && a.Version == b.Version && a.Level == b.Level &&
		slices.Equal(a.Versions, b.Versions)
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byObject := map[string][]porcupine.Operation{}
		for _, op := range history {
			object := op.Input.(Operation).Object
			byObject[object] = append(byObject[object], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byObject {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return state{} },
	Step: func(before, input, output any) (bool, any) {
		op := input.(Operation)
		if op.Op == "final" {
			return equal(before.(state), state{versions: op.Found, level: op.Level}), before
		}
		after, answer := before.(state).do(op)
		return op.Return < 0 || same(answer, output.(Answer)), after
	},
	Equal: func(a, b any) bool { return equal(a.(state), b.(state)) },
}

func read(path string) ([]porcupine.Operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	var history []porcupine.Operation
	for lines.Scan() {
		var op Operation
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(history)+1, err)
		}
		returned := op.Return
		if returned < 0 {
			returned = math.MaxInt64
		}
		history = append(history, porcupine.Operation{
			ClientId: op.Client, Input: op, Call: op.Call, Output: op.Answer, Return: returned,
		})
	}
	return history, lines.Err()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: checker HISTORY")
		os.Exit(2)
	}
	history, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	begun, result := time.Now(), 0
	parts := model.Partition(history)
	for _, part := range parts {
		single := model
		single.Partition = nil
		switch porcupine.CheckOperationsTimeout(single, part, timeout-time.Since(begun)) {
		case porcupine.Illegal:
			result = 1
			sort.Slice(part, func(i, j int) bool { return part[i].Call < part[j].Call })
			fmt.Println("not linearizable:", part[0].Input.(Operation).Object)
			for _, op := range part {
				line, _ := json.Marshal(op.Input)
				fmt.Println(string(line))
			}
		case porcupine.Unknown:
			fmt.Println("not decided in time:", part[0].Input.(Operation).Object, len(part))
			result = max(result, 2)
		}
	}
	if result == 0 {
		fmt.Printf("linearizable: %d operations on %d objects\n", len(history), len(parts))
	}
	os.Exit(result)
}
