// Package input reads files that may be compressed, cut off, too long or not files at all.
// Its errors say what was expected and what was found; the caller adds the file's name, Open's have it.
package input

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// Open opens the regular file at path. It returns an error that names the path, for a directory too.
func Open(path string) (*os.File, error) {
	if err := Regular(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Regular returns an error that names path unless a regular file is there: fs.ErrNotExist when nothing is.
func Regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s: found a directory, expected a file", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: found a special file (%s), expected a file", path, info.Mode())
	}
	return nil
}

// Plain returns what r holds, uncompressed when it begins as a gzip stream does.
func Plain(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("found a broken gzip header (%w), expected a gzip stream", err)
	}
	return z, nil
}

// eager is the most memory that Exactly takes before any byte has come.
const eager = 1 << 20

// Exactly returns the n bytes that r holds. It returns an error when r ends before, goes on after, or cannot be read.
// Memory grows with the bytes that come, not with n, and never past n: a gzip bomb is cut off.
func Exactly(r io.Reader, n int) ([]byte, error) {
	out := make([]byte, 0, min(n, eager))
	for len(out) < n {
		if len(out) == cap(out) {
			out = append(make([]byte, 0, min(n, 4*cap(out))), out...)
		}
		k, err := io.ReadFull(r, out[len(out):cap(out)])
		out = out[:len(out)+k]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("found %d bytes of data, expected %d: the file is truncated", len(out), n)
		}
		if err != nil {
			return nil, fmt.Errorf("found broken data after %d of %d bytes: %w", len(out), n, err)
		}
	}
	if err := end(r, n); err != nil {
		return nil, err
	}
	return out, nil
}

// end checks that r, of which n bytes were read, is at its end.
func end(r io.Reader, n int) error {
	var more [1]byte
	switch k, err := io.ReadFull(r, more[:]); {
	case k > 0:
		return fmt.Errorf("found more than %d bytes of data, expected %d", n, n)
	case err != io.EOF:
		return fmt.Errorf("found broken data after %d of %d bytes: %w", n, n, err)
	}
	return nil
}
