package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
)

// notify tells systemd how the service does: "READY=1", "STOPPING=1". Without systemd nobody listens.
// Source: sd_notify(3).
func notify(ctx context.Context, state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	if strings.HasPrefix(name, "@") { // the abstract name space
		name = "\x00" + name[1:]
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", name)
	if err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	defer conn.Close() //nolint:errcheck // the message is out or the write says why not
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	return nil
}
