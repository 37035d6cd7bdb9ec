// Package fetch downloads a file of known size and hash, all or nothing, and goes on where it was cut off.
package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/schollz/progressbar/v3"
)

// attempts is how often one call asks the server before it gives up: the first time and after each cut.
const attempts = 5

// Download is a file to get.
type Download struct {
	URL    string
	Path   string // where it will lie; its folder is made
	Size   int64  // bytes
	SHA256 string // lower-case hexadecimal

	Client   *http.Client // nil: http.DefaultClient
	Progress io.Writer    // a bar is drawn on it; nil: none
}

// Get brings the file to Path, unless it lies there already. The bytes gather in Path+".part", from which a later call
// goes on; only a file of the right size and hash is renamed to Path, and a wrong one is deleted.
// A second process waits, on Path+".lock", until the first is done. The lock file stays.
func (d Download) Get(ctx context.Context) (err error) {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		return err
	}
	lock := flock.New(d.Path + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return fmt.Errorf("waiting for another download of %s: %w", d.Path, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if _, err := os.Stat(d.Path); err == nil {
		return nil
	}
	return d.locked(ctx)
}

func (d Download) part() string { return d.Path + ".part" }

func (d Download) locked(ctx context.Context) error {
	file, err := os.OpenFile(d.part(), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := d.fill(ctx, file); err != nil {
		return err
	}
	if err := d.verify(file); err != nil {
		return errors.Join(err, os.Remove(d.part()))
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(d.part(), d.Path)
}

// errCut is a body that ended before its time: what came is kept, and asking again helps.
var errCut = errors.New("the connection was cut")

// fill asks the server until file has all bytes.
func (d Download) fill(ctx context.Context, file *os.File) (err error) {
	for range attempts {
		var have int64
		if have, err = file.Seek(0, io.SeekEnd); err != nil {
			return err
		}
		if have == d.Size {
			return nil
		}
		if have > d.Size {
			if have, err = 0, restart(file); err != nil {
				return err
			}
		}
		if err = d.ask(ctx, file, have); err != nil && !errors.Is(err, errCut) {
			return d.tidy(file, err)
		}
	}
	if have, _ := file.Seek(0, io.SeekEnd); have == d.Size {
		return nil
	}
	return d.tidy(file, fmt.Errorf("after %d attempts: %w", attempts, err))
}

// tidy deletes a partial file that holds nothing, and passes err on.
func (d Download) tidy(file *os.File, err error) error {
	if info, failed := file.Stat(); failed == nil && info.Size() == 0 {
		return errors.Join(err, os.Remove(d.part()))
	}
	return err
}

func restart(file *os.File) error {
	_, err := file.Seek(0, io.SeekStart)
	return errors.Join(err, file.Truncate(0))
}

// ask makes one request for the bytes from have on, and appends what comes to file.
func (d Download) ask(ctx context.Context, file *os.File, have int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", "identity") // the bytes as they are, not unpacked on the way
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	client := d.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK: // the whole file, also when the server ignores Range
		if have, err = 0, restart(file); err != nil {
			return err
		}
	case http.StatusPartialContent:
		if want := fmt.Sprintf("bytes %d-%d/%d", have, d.Size-1, d.Size); response.Header.Get("Content-Range") != want {
			return errors.Join(fmt.Errorf("%s: found Content-Range %q, expected %q; try again, from the start",
				d.URL, response.Header.Get("Content-Range"), want), restart(file))
		}
	default:
		return fmt.Errorf("%s: found the status %s, expected 200 OK", d.URL, response.Status)
	}
	return d.receive(ctx, file, response.Body, have)
}

// receive appends the body to file, and no byte past Size+1.
func (d Download) receive(ctx context.Context, file *os.File, body io.Reader, have int64) error {
	bar := d.bar(have)
	n, err := io.Copy(io.MultiWriter(file, bar), io.LimitReader(body, d.Size-have+1))
	_ = bar.Exit() // its errors are those of the writer that shows it
	have += n
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: stopped after %d of %d bytes: %w", d.URL, have, d.Size, ctx.Err())
	case have > d.Size:
		return errors.Join(fmt.Errorf("%s: found more than %d bytes, expected %d", d.URL, d.Size, d.Size), restart(file))
	case err != nil:
		return fmt.Errorf("%s: %w after %d of %d bytes: %w", d.URL, errCut, have, d.Size, err)
	case have < d.Size:
		return fmt.Errorf("%s: %w after %d of %d bytes", d.URL, errCut, have, d.Size)
	}
	return nil
}

func (d Download) bar(have int64) *progressbar.ProgressBar {
	w := d.Progress
	if w == nil {
		w = io.Discard
	}
	bar := progressbar.NewOptions64(d.Size, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription(filepath.Base(d.Path)), progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }))
	_ = bar.Set64(have)
	return bar
}

func (d Download) verify(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", hash.Sum(nil)); got != d.SHA256 {
		return fmt.Errorf("%s: found the SHA-256 %s, expected %s; the file was discarded", d.URL, got, d.SHA256)
	}
	return nil
}
