// SPDX-License-Identifier: Apache-2.0

// Profiles itself as Go programs do: tests read the profile that Go's own package writes.
package main

import (
	"os"
	"runtime/pprof"
	"time"
)

var sink int

//go:noinline
func burn(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i*i ^ sum
	}
	return
}

//go:noinline
func recurse(depth int) int {
	if depth == 0 {
		return burn(200000)
	}
	return recurse(depth-1) + 1
}

func main() {
	out, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		panic(err)
	}
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		sink += recurse(5) + burn(100000)
	}
	pprof.StopCPUProfile()
}
