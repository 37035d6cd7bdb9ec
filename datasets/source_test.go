package datasets_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// write makes a file that holds its own path's last two elements, and returns its path.
func write(t *testing.T, elements ...string) string {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(path), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// places is a Source and a File whose folders are all empty, and a server that has the file.
func places(t *testing.T) (datasets.Source, datasets.File) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/data/a.gz" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "content")
	}))
	t.Cleanup(server.Close)
	root := t.TempDir()
	source := datasets.Source{Cache: filepath.Join(root, "cache"), Progress: io.Discard, BaseURL: server.URL + "/data/"}
	file := datasets.File{Set: "set", Name: "a.gz", Also: []string{"a"}, BaseURL: "http://invalid.invalid/",
		Folders: []string{filepath.Join(root, "os1"), filepath.Join(root, "os2")},
		Size:    7, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("content")))}
	return source, file
}

// Each place wins over those after it; the test fills them from the last to the first.
func TestLookUpOrder(t *testing.T) {
	source, file := places(t)
	want := func(path string) {
		t.Helper()
		if got, err := source.Find(t.Context(), file); got != path || err != nil {
			t.Errorf("found %q (%v), want %q", got, err, path)
		}
	}
	downloaded := filepath.Join(source.Cache, "set", "a.gz")
	want(downloaded)
	if got, err := os.ReadFile(downloaded); string(got) != "content" {
		t.Errorf("the download holds %q (%v), want %q", got, err, "content")
	}
	source.BaseURL = "http://invalid.invalid/" // from here on nothing can be downloaded
	want(downloaded)
	want(write(t, file.Folders[1], "a"))
	want(write(t, file.Folders[0], "a.gz"))
	source.Dir = t.TempDir()
	want(write(t, source.Dir, "a"))
	want(write(t, source.Dir, "a.gz"))
}

func TestDefaultCache(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, cache, "lowerbound", "set", "a.gz")
	source, file := places(t)
	source.Cache, file.Size = "", int64(len(path))
	if got, err := source.Find(t.Context(), file); got != path || err != nil {
		t.Errorf("found %q (%v), want %q", got, err, path)
	}
}

func TestFindErrors(t *testing.T) {
	for want, change := range map[string]func(s *datasets.Source, f *datasets.File){
		`holds none of ["a.gz" "a"]`:         func(s *datasets.Source, _ *datasets.File) { s.Dir = t.TempDir() },
		"not-there holds none of":            func(s *datasets.Source, _ *datasets.File) { s.Dir = filepath.Join(t.TempDir(), "not-there") },
		"found a directory, expected a file": func(s *datasets.Source, _ *datasets.File) { s.Dir = t.TempDir(); write(t, s.Dir, "a.gz", "x") },
		"a.gz: found a directory":            func(_ *datasets.Source, f *datasets.File) { write(t, f.Folders[0], "a.gz", "x") },
		"set/a.gz: found a directory":        func(s *datasets.Source, _ *datasets.File) { write(t, s.Cache, "set", "a.gz", "x") },
		"expected 7; delete it":              func(s *datasets.Source, _ *datasets.File) { write(t, s.Cache, "set", "a.gz") },
		"Offline is set":                     func(s *datasets.Source, _ *datasets.File) { s.Offline = true },
		"404 Not Found, expected 200 OK":     func(_ *datasets.Source, f *datasets.File) { f.Name = "b.gz" },
		"found the SHA-256":                  func(_ *datasets.Source, f *datasets.File) { f.SHA256 = "00" },
		"found more than 6 bytes":            func(_ *datasets.Source, f *datasets.File) { f.Size = 6 },
		"not a directory":                    func(s *datasets.Source, _ *datasets.File) { s.Dir = write(t, t.TempDir(), "file") },
	} {
		source, file := places(t)
		change(&source, &file)
		path, err := source.Find(t.Context(), file)
		if err == nil || !strings.Contains(err.Error(), want) || path != "" {
			t.Errorf("path %q, error %v, want one with %q", path, err, want)
		}
		if strings.Contains(want, "delete it") {
			continue
		}
		if info, err := os.Stat(filepath.Join(source.Cache, "set", file.Name)); err == nil && info.Mode().IsRegular() {
			t.Errorf("%s: a file was cached", want)
		}
	}
}
