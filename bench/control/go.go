// What Go has for the same: a context with a deadline around a call; a goroutine that waits for its
// context is cancelled and waited for; 100k of them. (Nothing is unwound: each returns.)
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func cpu() float64 {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return float64(ru.Utime.Sec+ru.Stime.Sec) + float64(ru.Utime.Usec+ru.Stime.Usec)/1e6
}

//go:noinline
func add(a, b int) int { return a + b }

func took(f func()) (float64, float64) {
	runtime.GC()
	t0, w0 := cpu(), time.Now()
	f()
	return cpu() - t0, time.Since(w0).Seconds()
}

func main() {
	what := os.Args[1]
	n, _ := strconv.Atoi(os.Args[2])
	if what == "remote" { // which thread a goroutine is on is not ours to say
		os.Exit(77)
	}
	runtime.GOMAXPROCS(1)
	var c, w float64
	root := context.Background()
	switch what {
	case "timeout":
		sum := 0
		bareC, bareW := took(func() {
			for i := 0; i < n; i++ {
				sum = add(sum, i)
			}
		})
		c, w = took(func() {
			for i := 0; i < n; i++ {
				_, cancel := context.WithTimeout(root, time.Minute)
				sum = add(sum, i)
				cancel()
			}
		})
		c, w = c-bareC, w-bareW
	case "local":
		cancels, done := make([]context.CancelFunc, n), make([]chan bool, n)
		for i := range done {
			ctx, cancel := context.WithCancel(root)
			cancels[i], done[i] = cancel, make(chan bool)
			go func(done chan bool) {
				<-ctx.Done()
				close(done)
			}(done[i])
		}
		runtime.Gosched()
		c, w = took(func() {
			for i := range done {
				cancels[i]()
				<-done[i]
			}
		})
	case "scope":
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(root)
		for i := 0; i < n; i++ {
			all.Add(1)
			go func() {
				<-ctx.Done()
				all.Done()
			}()
		}
		runtime.Gosched()
		c, w = took(func() {
			cancel()
			all.Wait()
		})
	}
	fmt.Printf("RESULT n=%d cpu_s=%.9f wall_s=%.9f\n", n, c, w)
}
