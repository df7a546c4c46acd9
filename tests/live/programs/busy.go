// SPDX-License-Identifier: Apache-2.0

// A Go program under load: goroutines that meet over channels, maps, JSON, sorting, the garbage
// collector. Runs until it is killed.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand"
	"sort"
	"strings"
)

type record struct {
	ID    int
	Name  string
	Tags  []string
	Score map[string]float64
}

func makeRecord(id int) record {
	tags := strings.Fields(fmt.Sprintf("alpha beta-%d gamma-%d", id%7, id%13))
	return record{id, fmt.Sprint("record ", id), tags, map[string]float64{"a": float64(id), "b": 0.5}}
}

func depth(n int, f func() int) int {
	if n == 0 {
		return f()
	}
	return depth(n-1, f) + 1
}

func roundTrip(r record) int {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	var back record
	if err := json.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return int(sum[0]) + len(back.Tags)
}

func worker(in <-chan record, out chan<- int) {
	for r := range in {
		out <- depth(r.ID%40, func() int { return roundTrip(r) })
	}
}

func sorter(n int) int {
	counts := map[string]int{}
	for i := 0; i < n; i++ {
		counts[fmt.Sprint(rand.Intn(n))]++
	}
	keys := make([]string, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return len(keys)
}

func main() {
	in, out := make(chan record, 16), make(chan int, 16)
	for i := 0; i < 4; i++ {
		go worker(in, out)
	}
	go func() {
		for i := 0; ; i++ {
			in <- makeRecord(i)
		}
	}()
	for total, i := 0, 0; ; i++ {
		total += <-out
		if i%1000 == 0 {
			total += sorter(2000)
		}
	}
}
