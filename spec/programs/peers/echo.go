// An echo server and its clients by the package net of Go. See echo.js, which does the same.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

func serve(onConnection func(*net.TCPConn)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		c, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go onConnection(c.(*net.TCPConn))
	}
}

func echo(c *net.TCPConn) {
	defer c.Close()
	io.Copy(c, c)
}

func resetting(c *net.TCPConn) {
	c.Read(make([]byte, 1))
	c.SetLinger(0)
	c.Close()
}

func connect(port int) (*net.TCPConn, error) {
	return net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
}

func client(port int, size int, seed int) string {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(uint32(i+seed) * 2654435761 >> 24)
	}
	c, err := connect(port)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	go func() {
		c.Write(data)
		c.CloseWrite()
	}()
	back, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(back, data) {
		return "other bytes"
	}
	return "right"
}

func clients(port int, count int, size int) {
	ends := make(chan string)
	for i := 0; i < count; i++ {
		go func(i int) { ends <- client(port, size, i) }(i)
	}
	right, wrong := 0, ""
	for i := 0; i < count; i++ {
		if end := <-ends; end == "right" {
			right++
		} else {
			wrong = end
		}
	}
	fmt.Printf("%d of %d are right\n", right, count)
	if wrong != "" {
		fmt.Println(wrong)
	}
}

func reset(port int) {
	c, err := connect(port)
	if err != nil {
		panic(err)
	}
	c.Write([]byte("x"))
	c.Read(make([]byte, 1))
	c.SetLinger(0)
	c.Close()
	fmt.Println("reset")
}

func main() {
	numbers := []int{}
	for _, arg := range os.Args[2:] {
		n, _ := strconv.Atoi(arg)
		numbers = append(numbers, n)
	}
	switch os.Args[1] {
	case "server":
		serve(echo)
	case "resetting":
		serve(resetting)
	case "clients":
		clients(numbers[0], numbers[1], numbers[2])
	case "reset":
		reset(numbers[0])
	}
}
