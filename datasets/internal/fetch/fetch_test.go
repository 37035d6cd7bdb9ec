package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// content is what the servers of these tests hold: more than one buffer of the connection.
func content() []byte {
	src, out := rand.NewChaCha8([32]byte{1}), make([]byte, 300_000)
	src.Read(out)
	return out
}

// server serves body with Range, and records the Range headers it saw. cuts says after how many bytes of its answer
// the first, second, ... request is cut off; 0 is never.
type server struct {
	body   []byte
	cuts   []int
	ranges []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cut := 0
	if len(s.ranges) < len(s.cuts) {
		cut = s.cuts[len(s.ranges)]
	}
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	if cut > 0 {
		w = &cutter{w, cut}
	}
	http.ServeContent(w, r, "file", time.Time{}, bytes.NewReader(s.body))
}

// cutter hangs up after left bytes.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// start returns a Download of content() from handler into a fresh folder.
func start(t *testing.T, handler http.Handler) Download {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return Download{URL: s.URL + "/file", Path: filepath.Join(t.TempDir(), "set", "file"),
		Size: int64(len(content())), SHA256: fmt.Sprintf("%x", sha256.Sum256(content()))}
}

func wantFile(t *testing.T, d Download) {
	t.Helper()
	if got, err := os.ReadFile(d.Path); err != nil || !bytes.Equal(got, content()) {
		t.Errorf("%s: %d bytes (%v), want the server's %d", d.Path, len(got), err, d.Size)
	}
	if _, err := os.Stat(d.part()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the partial file is still there: %v", err)
	}
}

// wantNothing checks that there is no file, and that the partial one holds part bytes, or is gone when part < 0.
func wantNothing(t *testing.T, d Download, part int64) {
	t.Helper()
	if _, err := os.Stat(d.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed download left %s: %v", d.Path, err)
	}
	info, err := os.Stat(d.part())
	if part < 0 && !errors.Is(err, fs.ErrNotExist) || part >= 0 && (err != nil || info.Size() != part) {
		t.Errorf("the partial file: %v, %v; want %d bytes", info, err, part)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
}

func TestGet(t *testing.T) {
	s := &server{body: content()}
	d := start(t, s)
	var progress bytes.Buffer
	d.Progress = &progress
	for range 2 { // the second time the file is there
		if err := d.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, d)
	if len(s.ranges) != 1 {
		t.Errorf("%d requests, want 1", len(s.ranges))
	}
	if !strings.Contains(progress.String(), "100%") {
		t.Errorf("progress %q, want it to reach 100%%", progress.String())
	}
}

// Two cuts in one call: each further request asks for what is missing.
func TestResumeInOneCall(t *testing.T) {
	s := &server{body: content(), cuts: []int{100_000, 50_000}}
	d := start(t, s)
	if err := d.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d)
	if got := fmt.Sprintf("%q", s.ranges); got != `["" "bytes=100000-" "bytes=150000-"]` {
		t.Errorf("requests with the ranges %s", got)
	}
}

// A call that gives up keeps what came; the next one goes on from there.
func TestResumeInNextCall(t *testing.T) {
	s := &server{body: content(), cuts: []int{1000, 1000, 1000, 1000, 1000}}
	d := start(t, s)
	wantError(t, d.Get(t.Context()), "after 5 attempts", "cut after 5000 of 300000 bytes")
	wantNothing(t, d, 5000)
	if err := d.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d)
	if got := s.ranges[5]; got != "bytes=5000-" {
		t.Errorf("the second call asked for %q, want bytes=5000-", got)
	}
}

// A server that ignores Range answers 200 with the whole file: it replaces the part, and is not added to it.
func TestRangeIgnored(t *testing.T) {
	requests := 0
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			w = &cutter{w, 1234}
		}
		w.Header().Set("Content-Length", "300000")
		w.Write(content())
	}))
	if err := d.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d)
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

func TestWrongHash(t *testing.T) {
	body := content()
	body[1000] ^= 1
	d := start(t, &server{body: body})
	wantError(t, d.Get(t.Context()), "found the SHA-256", "expected "+d.SHA256, "discarded", d.URL)
	wantNothing(t, d, -1)
}

func TestStatus(t *testing.T) {
	d := start(t, http.NotFoundHandler())
	wantError(t, d.Get(t.Context()), "404 Not Found, expected 200 OK", d.URL)
	wantNothing(t, d, -1)
}

// A body that is whole by its own account and too short: asking again gives 416, an error.
func TestShortBody(t *testing.T) {
	d := start(t, &server{body: content()[:200_000]})
	wantError(t, d.Get(t.Context()), "416", "expected 200 OK")
	wantNothing(t, d, 200_000)
}

func TestLongBody(t *testing.T) {
	d := start(t, &server{body: append(content(), 1, 2, 3)})
	wantError(t, d.Get(t.Context()), "found more than 300000 bytes")
	wantNothing(t, d, -1)
}

// A 206 for other bytes than those asked for must not be appended.
func TestWrongContentRange(t *testing.T) {
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-299999/300000")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(content())
	}))
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.part(), content()[:10], 0o644); err != nil {
		t.Fatal(err)
	}
	wantError(t, d.Get(t.Context()), `found Content-Range "bytes 0-299999/300000", expected "bytes 10-299999/300000"`)
	wantNothing(t, d, -1)
}

// A part that is longer than the file cannot be its beginning.
func TestPartTooLong(t *testing.T) {
	d := start(t, &server{body: content()})
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.part(), make([]byte, 300_001), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d)
}

// Cancelling keeps what came.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "300000")
		w.Write(content()[:5000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	go func() { // when the bytes have come
		for info, err := os.Stat(d.part()); err != nil || info.Size() < 5000; info, err = os.Stat(d.part()) {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	err := d.Get(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	wantNothing(t, d, 5000)
}

// Calls at the same time ask the server once.
func TestTwoAtOnce(t *testing.T) {
	s := &server{body: content()}
	d := start(t, s)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := d.Get(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	wantFile(t, d)
	if len(s.ranges) != 1 {
		t.Errorf("%d requests, want 1", len(s.ranges))
	}
}
