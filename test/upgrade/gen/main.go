// Command gen packs the folder of an office as a dump for the upgrade tests: the database as one clean file,
// and what lies beside it, as .tar.gz. The same folder gives the same bytes.
//
//	kizuki demo --no-serve --date 2026-11-24 --data OFFICE && go run ./test/upgrade/gen OFFICE test/upgrade/testdata/NAME.tar.gz
package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen OFFICE FILE.tar.gz")
		os.Exit(2)
	}
	if err := pack(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

const database = "kizuki.db"

func pack(ctx context.Context, office, file string) (err error) {
	temp, err := os.MkdirTemp("", "kizuki-dump-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	clean := filepath.Join(temp, database)
	db, err := sql.Open("sqlite", filepath.Join(office, database))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, clean)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	out, err := os.Create(file) //nolint:gosec // the person names the file
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	zip, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	to := tar.NewWriter(zip)
	err = filepath.WalkDir(office, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(office, path)
		if err != nil {
			return err
		}
		switch name = filepath.ToSlash(name); {
		case name == database:
			path = clean
		case strings.HasPrefix(name, database) || name == "kizuki.lock":
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // a file of the folder that the person names
		if err != nil {
			return err
		}
		err = to.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = to.Write(data)
		}
		return err
	})
	return errors.Join(err, to.Close(), zip.Close())
}
