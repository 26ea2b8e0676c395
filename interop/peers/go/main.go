// Go's crypto/tls as a peer: one JSON command per line on standard input, one event per line on standard output. The
// conversation is that of src/conversation.ts.
package main

import (
	"bufio"
	"bytes"
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
	ID                int      `json:"id"`
	Stop              bool     `json:"stop"`
	Role              string   `json:"role"`
	Port              int      `json:"port"`
	CA                string   `json:"ca"`
	Cert              string   `json:"cert"`
	Key               string   `json:"key"`
	MinVersion        string   `json:"minVersion"`
	MaxVersion        string   `json:"maxVersion"`
	Suites            []uint16 `json:"suites"`
	Groups            []uint16 `json:"groups"`
	ClientCertificate string   `json:"clientCertificate"`
	ALPN              string   `json:"alpn"`
	Closing           string   `json:"closing"`
	Lines             []string `json:"lines"`
	Bye               string   `json:"bye"`
	Quit              string   `json:"quit"`
	Visits            int      `json:"visits"`
}

type event struct {
	ID    int    `json:"id"`
	Event string `json:"event"`
	Port  int    `json:"port,omitempty"`
	Error string `json:"error,omitempty"`
}

var (
	output sync.Mutex
	open   sync.Map
)

func say(e event) {
	output.Lock()
	defer output.Unlock()
	text, _ := json.Marshal(e)
	fmt.Println(string(text))
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(runtime.Version())
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
			if closer, ok := open.Load(c.ID); ok {
				closer.(io.Closer).Close()
			}
			continue
		}
		go func() {
			defer open.Delete(c.ID)
			e := event{ID: c.ID, Event: "done"}
			if err := run(c); err != nil {
				e.Error = err.Error()
			}
			say(e)
		}()
	}
}

func run(c command) error {
	config, err := configFor(c)
	if err != nil {
		return err
	}
	if c.Visits > 0 && c.Role == "client" {
		return comeBack(c, config)
	}
	if c.Role == "client" {
		tcp, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
		if err != nil {
			return err
		}
		defer tcp.Close()
		open.Store(c.ID, tcp)
		tcp.SetDeadline(time.Now().Add(10 * time.Second))
		return client(tls.Client(tcp, config), c)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	open.Store(c.ID, listener)
	say(event{ID: c.ID, Event: "listening", Port: listener.Addr().(*net.TCPAddr).Port})
	if c.Visits > 0 {
		return receive(c, config, listener)
	}
	tcp, err := listener.Accept()
	if err != nil {
		return err
	}
	defer tcp.Close()
	tcp.SetDeadline(time.Now().Add(10 * time.Second))
	return server(tls.Server(tcp, config), c)
}

var versions = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

func configFor(c command) (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(c.CA)) {
		return nil, errors.New("no certificate in ca")
	}
	config := &tls.Config{
		MinVersion: versions[c.MinVersion], MaxVersion: versions[c.MaxVersion], CipherSuites: c.Suites,
		RootCAs: roots, ClientCAs: roots, ServerName: "localhost",
	}
	for _, group := range c.Groups {
		config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(group))
	}
	if c.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if c.ALPN != "" {
		config.NextProtos = []string{c.ALPN}
	}
	switch c.ClientCertificate {
	case "requested":
		config.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

func client(conn *tls.Conn, c command) error {
	if err := conn.Handshake(); err != nil {
		return err
	}
	for _, line := range c.Lines {
		written := make(chan error, 1)
		go func() {
			_, err := io.WriteString(conn, line)
			written <- err
		}()
		echo := make([]byte, len(line))
		if _, err := io.ReadFull(conn, echo); err != nil {
			return fmt.Errorf("reading an echo of %d bytes: %w", len(line), err)
		}
		if string(echo) != line {
			return errors.New("the echo is not what was sent")
		}
		if err := <-written; err != nil {
			return err
		}
	}
	if c.Closing == "half" {
		if err := conn.CloseWrite(); err != nil {
			return err
		}
	} else if _, err := io.WriteString(conn, c.Quit); err != nil {
		return err
	}
	rest, err := io.ReadAll(conn)
	if err != nil {
		return fmt.Errorf("reading the end: %w", err)
	}
	if string(rest) != c.Bye {
		return fmt.Errorf("the trailing line is %q", rest)
	}
	return conn.Close()
}

func server(conn *tls.Conn, c command) error {
	if err := conn.Handshake(); err != nil {
		return err
	}
	buffer := make([]byte, 16*1024)
	for {
		n, err := conn.Read(buffer)
		if errors.Is(err, io.EOF) || bytes.HasSuffix(buffer[:n], []byte(c.Quit)) {
			break
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, c.Bye); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	// The client's own end, so that closing TCP does not destroy what it has yet to read.
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return fmt.Errorf("after the end: %w", err)
	}
	return nil
}

// Connects again and again, with what it kept of the last time: a line, its echo, and our word on the connection.
func comeBack(c command, config *tls.Config) error {
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range c.Visits {
		tcp, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
		if err != nil {
			return err
		}
		open.Store(c.ID, tcp)
		tcp.SetDeadline(time.Now().Add(10 * time.Second))
		err = visit(tls.Client(tcp, config), c.Lines[0])
		tcp.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func visit(conn *tls.Conn, line string) error {
	if _, err := io.WriteString(conn, line); err != nil {
		return err
	}
	echo := make([]byte, len(line))
	if _, err := io.ReadFull(conn, echo); err != nil {
		return fmt.Errorf("reading an echo of %d bytes: %w", len(line), err)
	}
	if string(echo) != line {
		return errors.New("the echo is not what was sent")
	}
	if _, err := io.WriteString(conn, wordOn(conn)); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}

// Takes connections one by one: echoes a line, and says our word on the connection.
func receive(c command, config *tls.Config, listener net.Listener) error {
	for range c.Visits {
		tcp, err := listener.Accept()
		if err != nil {
			return err
		}
		tcp.SetDeadline(time.Now().Add(10 * time.Second))
		err = answer(tls.Server(tcp, config), len(c.Lines[0]))
		tcp.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func answer(conn *tls.Conn, length int) error {
	line := make([]byte, length)
	if _, err := io.ReadFull(conn, line); err != nil {
		return err
	}
	if _, err := conn.Write(line); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, wordOn(conn)); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}

func wordOn(conn *tls.Conn) string {
	if conn.ConnectionState().DidResume {
		return "resumed\n"
	}
	return "new\n"
}
