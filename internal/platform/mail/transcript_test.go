package mail_test

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestTranscript compares every byte that goes over the line, both ways, with the recorded dialogue.
func TestTranscript(t *testing.T) {
	t.Parallel()
	for _, security := range []mail.Security{mail.None, mail.StartTLS} {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			cert := mailtest.Certificate(t)
			port, dialogue := record(t, cert)
			server := mail.Server{Host: "127.0.0.1", Port: port, Security: security, From: "kizuki@kojo.example", FromName: "Kizuki 見本製作所株式会社"}
			if security == mail.StartTLS {
				server.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
				server.User, server.Password = "kizuki", "mihon"
			}
			if err := server.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			got := <-dialogue
			file := filepath.Join("testdata", string(security)+".smtp")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("dialogue (-want +got):\n%s", diff)
			}
		})
	}
}

// record is a mail server that takes one mail and writes down both sides, line by line, with the line ends visible.
func record(t *testing.T, cert tls.Certificate) (port int, dialogue chan string) {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() })
	dialogue = make(chan string, 1)
	go func() {
		conn, err := lis.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		var log strings.Builder
		in := bufio.NewReader(conn)
		say := func(lines ...string) {
			for _, l := range lines {
				log.WriteString("S: " + l + "␍␊\n")
				_, _ = conn.Write([]byte(l + "\r\n"))
			}
		}
		hear := func() string {
			l, _ := in.ReadString('\n')
			log.WriteString("C: " + strings.NewReplacer("\r", "␍", "\n", "␊").Replace(l) + "\n")
			return strings.TrimRight(l, "\r\n")
		}
		say("220 mail.example.test ESMTP")
		for {
			switch verb, _, _ := strings.Cut(hear(), " "); verb {
			case "EHLO":
				if _, secured := conn.(*tls.Conn); secured {
					say("250-mail.example.test", "250-8BITMIME", "250-SIZE 1048576", "250 AUTH PLAIN LOGIN")
				} else {
					say("250-mail.example.test", "250-8BITMIME", "250-SMTPUTF8", "250 STARTTLS")
				}
			case "STARTTLS":
				say("220 2.0.0 go ahead")
				secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
				log.WriteString("=: TLS\n")
				conn, in = secured, bufio.NewReader(secured)
			case "AUTH":
				say("235 2.7.0 good")
			case "DATA":
				say("354 go ahead")
				for hear() != "." { //nolint:revive // hear writes down what comes
				}
				say("250 2.0.0 queued as 1")
			case "QUIT":
				say("221 2.0.0 bye")
				dialogue <- log.String()
				return
			case "":
				dialogue <- log.String()
				return
			default:
				say("250 2.1.0 good")
			}
		}
	}()
	return lis.Addr().(*net.TCPAddr).Port, dialogue //nolint:forcetypeassert // a TCP listener
}
