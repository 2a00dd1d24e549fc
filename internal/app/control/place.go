package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// placeFile says where the server of a folder listens; socketFile is its socket.
const (
	placeFile  = "control.json"
	socketFile = "control.sock"
)

// maxSocketPath is the longest path of a Unix socket that every system takes, in bytes.
// Source: unix(7) has 108, macOS 104, each with a final zero.
const maxSocketPath = 103

// place is the content of placeFile.
type place struct {
	Network string `json:"network"` // "unix" or "tcp"
	Address string `json:"address"` // for unix the name of the socket inside the folder
	Token   string `json:"token"`
	Version string `json:"version"`
}

// listen opens the control address of a folder and writes down where it is. Whoever holds the folder's lock may
// call it: a socket that lies there is left over from a server that was killed.
func listen(ctx context.Context, dir, version string) (net.Listener, *place, error) {
	p := &place{Network: "unix", Address: socketFile, Token: rand.Text() + rand.Text(), Version: version}
	socket := filepath.Join(dir, socketFile)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("remove the socket of an earlier server: %w", err)
	}
	var lc net.ListenConfig
	var lis net.Listener
	var err error
	if runtime.GOOS != "windows" && len(socket) <= maxSocketPath {
		if lis, err = lc.Listen(ctx, "unix", socket); err == nil {
			err = os.Chmod(socket, 0o600)
		}
	} else {
		p.Network = "tcp"
		if lis, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err == nil {
			p.Address = lis.Addr().String()
		}
	}
	if err == nil {
		err = p.write(filepath.Join(dir, placeFile))
	}
	if err != nil {
		if lis != nil {
			err = errors.Join(err, lis.Close())
		}
		return nil, nil, fmt.Errorf("open the control address: %w", err)
	}
	return lis, p, nil
}

// write puts the file in place at once, so that no client reads half of it or reads it before it is protected.
func (p *place) write(name string) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode control address: %w", err)
	}
	part := name + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the person names the folder
	if err != nil {
		return err
	}
	if err = ownerOnly(part); err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(part, name)
}

// readPlace tells where the server of a folder listens. ErrNone when none does.
func readPlace(dir string) (*place, error) {
	f, err := os.Open(filepath.Join(dir, placeFile)) //nolint:gosec // the person names the folder
	if err != nil {
		return nil, errors.Join(ErrNone, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLine))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read control address: %w", err)
	}
	return parsePlace(data)
}

func parsePlace(data []byte) (*place, error) {
	var p place
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, errors.Join(ErrNone, err)
	}
	switch p.Network {
	case "unix":
		if p.Address != socketFile { // never a socket elsewhere: the token would go there
			return nil, ErrNone
		}
	case "tcp":
		host, _, err := net.SplitHostPort(p.Address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return nil, ErrNone
		}
	default:
		return nil, ErrNone
	}
	return &p, nil
}

// dial reaches the server of a folder.
func (p *place) dial(ctx context.Context, dir string) (net.Conn, error) {
	address := p.Address
	if p.Network == "unix" {
		address = filepath.Join(dir, p.Address)
	}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, p.Network, address)
	if err != nil {
		return nil, errors.Join(ErrNone, err)
	}
	return conn, nil
}
