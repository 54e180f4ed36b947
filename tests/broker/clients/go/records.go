package main

import (
	"fmt"
	"sort"
	"strings"
)

// A record as all clients can say it.
type record struct {
	key, value *string
	headers    [][2]string
	partition  int32
	offset     int64
}

func some(text string) *string { return &text }

// Keys twice, a header twice, a record without key and one without value.
func records() []record {
	var all []record
	for i := 0; i < 10; i++ {
		text := fmt.Sprintf("k%d", i%5)
		all = append(all, record{key: &text, value: some(fmt.Sprintf("v%d", i))})
	}
	all = append(all, record{value: some("no key"), headers: [][2]string{{"h", "1"}, {"h", "2"}, {"empty", ""}}})
	return append(all, record{key: some("no value")})
}

func (r record) String() string {
	show := func(text *string) string {
		if text == nil {
			return "null"
		}
		return fmt.Sprintf("%q", *text)
	}
	return fmt.Sprintf("%s=%s%q", show(r.key), show(r.value), r.headers)
}

// Whether what was read is what was written, and each key is in one partition.
func sameRecords(read, written []record) error {
	texts := func(all []record) string {
		var lines []string
		for _, one := range all {
			lines = append(lines, one.String())
		}
		sort.Strings(lines)
		return strings.Join(lines, "\n")
	}
	if is, expected := texts(read), texts(written); is != expected {
		return fmt.Errorf("read %s instead of %s", is, expected)
	}
	places := map[string]int32{}
	for _, one := range read {
		if one.key == nil {
			continue
		}
		if place, found := places[*one.key]; found && place != one.partition {
			return fmt.Errorf("key %s is in partitions %d and %d", *one.key, place, one.partition)
		}
		places[*one.key] = one.partition
	}
	return nil
}

// Values that compress.
func compressible() []record {
	var all []record
	for i := 0; i < 5; i++ {
		all = append(all, record{value: some(strings.Repeat(fmt.Sprintf("%d compressible ", i), 100))})
	}
	return all
}

func ofBytes(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	return some(string(bytes))
}

func toBytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}
