// Go's crypto/tls as a peer of the old days: one JSON command per line on standard input, one event per line on standard
// output, as src/legacy/drivers.ts says. With `inspect` it prints its version and its suites.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

type command struct {
	ID             int      `json:"id"`
	Stop           bool     `json:"stop"`
	Role           string   `json:"role"`
	Port           int      `json:"port"`
	Lowest         uint16   `json:"lowest"`
	Highest        uint16   `json:"highest"`
	SuiteID        uint16   `json:"suiteId"`
	CA             string   `json:"ca"`
	Cert           string   `json:"cert"`
	Key            string   `json:"key"`
	AskCertificate bool     `json:"askCertificate"`
	Lines          []string `json:"lines"`
}

type event struct {
	ID    int    `json:"id"`
	Event string `json:"event"`
	Port  int    `json:"port,omitempty"`
	Error string `json:"error,omitempty"`
}

const wait = 15 * time.Second

var (
	output    sync.Mutex
	listeners sync.Map
)

func say(e event) {
	output.Lock()
	defer output.Unlock()
	text, _ := json.Marshal(e)
	fmt.Println(string(text))
}

func allSuites() []*tls.CipherSuite {
	return append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "inspect" {
		fmt.Println(runtime.Version())
		for _, suite := range allSuites() {
			fmt.Println(suite.Name)
		}
		return
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			panic(err)
		}
		if c.Stop {
			if listener, ok := listeners.Load(c.ID); ok {
				listener.(io.Closer).Close()
			}
			continue
		}
		go func() {
			work := connect
			if c.Role == "server" {
				work = serve
			}
			done := event{ID: c.ID, Event: "done"}
			if err := work(c); err != nil {
				done.Error = err.Error()
			}
			say(done)
		}()
	}
}

func configOf(c command) (*tls.Config, error) {
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		RootCAs:    roots,
		ClientCAs:  roots,
		ServerName: "localhost",
		MinVersion: c.Lowest,
		MaxVersion: c.Highest,
	}
	if c.SuiteID != 0 {
		config.CipherSuites = []uint16{c.SuiteID}
	} else {
		for _, suite := range allSuites() {
			config.CipherSuites = append(config.CipherSuites, suite.ID)
		}
	}
	if c.AskCertificate {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if c.Cert != "" {
		own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

func check(c command, connection *tls.Conn) error {
	state := connection.ConnectionState()
	if c.SuiteID != 0 && state.CipherSuite != c.SuiteID {
		return fmt.Errorf("%s was agreed on", tls.CipherSuiteName(state.CipherSuite))
	}
	return nil
}

func reversed(line string) string {
	out := make([]byte, len(line))
	for at := range len(line) {
		out[at] = line[len(line)-1-at]
	}
	return string(out)
}

func serve(c command) error {
	config, err := configOf(c)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	listeners.Store(c.ID, listener)
	say(event{ID: c.ID, Event: "listening", Port: listener.Addr().(*net.TCPAddr).Port})
	transport, err := listener.Accept()
	listener.Close()
	if err != nil {
		return err
	}
	defer transport.Close()
	transport.SetDeadline(time.Now().Add(wait))
	connection := tls.Server(transport, config)
	if err := connection.Handshake(); err != nil {
		return err
	}
	if err := check(c, connection); err != nil {
		return err
	}
	lines := bufio.NewReader(connection)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			// EOF is close_notify; an end without it is io.ErrUnexpectedEOF.
			return connection.Close()
		}
		if err != nil {
			return err
		}
		if _, err := connection.Write([]byte(reversed(line[:len(line)-1]) + "\n")); err != nil {
			return err
		}
	}
}

func connect(c command) error {
	config, err := configOf(c)
	if err != nil {
		return err
	}
	transport, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		return err
	}
	defer transport.Close()
	transport.SetDeadline(time.Now().Add(wait))
	connection := tls.Client(transport, config)
	if err := connection.Handshake(); err != nil {
		return err
	}
	if err := check(c, connection); err != nil {
		return err
	}
	answers := bufio.NewReader(connection)
	for _, line := range c.Lines {
		if _, err := connection.Write([]byte(line + "\n")); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		if answer != reversed(line)+"\n" {
			return fmt.Errorf("the answer to a line of %d bytes was another", len(line))
		}
	}
	return connection.Close()
}
