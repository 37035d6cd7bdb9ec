package fit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const lockFile = ".lock"

// holder is what the lock file says about the process that trains in a folder.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// lock takes the folder for this process, or says who has it. The operating system gives the lock back when the
// process ends, however it ends.
func lock(dir string) (release func(), err error) {
	path := filepath.Join(dir, lockFile)
	for {
		l := flock.New(path)
		got, err := l.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !got {
			return nil, held(path)
		}
		// The holder before removed the file as it went: take the lock on the file that is there now.
		mine, err1 := l.Stat()
		there, err2 := os.Stat(path)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			_ = l.Close()
			continue
		}
		host, _ := os.Hostname()
		text, _ := json.Marshal(holder{os.Getpid(), host, time.Now().Truncate(time.Second)})
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return func() { _ = errors.Join(os.Remove(path), l.Close()) }, nil
	}
}

func held(path string) error {
	var h holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return fmt.Errorf("%s: another process trains here; wait for it or give another directory", path)
	}
	return fmt.Errorf("%s: process %d on %s trains here since %s; wait for it or give another directory",
		path, h.PID, h.Host, h.Since.Format(time.RFC3339))
}
