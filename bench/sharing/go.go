// The same with Go's own: a buffered channel, a map under a lock, sync.Mutex, select.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func crowd(n int) {
	ch := make(chan int, 1024)
	var producers, consumers sync.WaitGroup
	for i := 0; i < 4; i++ {
		producers.Add(1)
		consumers.Add(1)
		go func() {
			for i := 0; i < n/4; i++ {
				ch <- i
			}
			producers.Done()
		}()
		go func() {
			for range ch {
			}
			consumers.Done()
		}()
	}
	producers.Wait()
	close(ch)
	consumers.Wait()
}

func count(n, keys int) {
	var m sync.Mutex
	d := map[string]int{}
	var both sync.WaitGroup
	for _, own := range []string{"a", "b"} {
		if keys == 1 {
			own = ""
		}
		both.Add(1)
		go func(own string) {
			for i := 0; i < n/2; i++ {
				key := own + strconv.Itoa(i%keys)
				m.Lock()
				d[key]++
				m.Unlock()
			}
			both.Done()
		}(own)
	}
	both.Wait()
}

func main() {
	runtime.GOMAXPROCS(2)
	what := os.Args[1]
	n, _ := strconv.Atoi(os.Args[2])
	t0, w0 := cpu(), time.Now()
	switch what {
	case "crowd":
		crowd(n)
	case "incr":
		count(n, 64)
	case "incr_same":
		count(n, 1)
	case "mutex":
		var m sync.Mutex
		for i := 0; i < n; i++ {
			m.Lock()
			m.Unlock()
		}
	case "select":
		var c [4]chan int
		for i := range c {
			c[i] = make(chan int, 1)
		}
		for i := 0; i < n; i++ {
			c[i%4] <- i
			select {
			case <-c[0]:
			case <-c[1]:
			case <-c[2]:
			case <-c[3]:
			}
		}
	}
	fmt.Printf("RESULT n=%d cpu_s=%g wall_s=%g\n", n, cpu()-t0, time.Since(w0).Seconds())
}
