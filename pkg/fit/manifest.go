package fit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Files of a checkpoint's folder.
const (
	manifestFile = "manifest.json"
	dataFile     = "tensors.bin"
)

// Values of manifest.Format and manifest.Kind.
const (
	formatName     = "lowerbound fit checkpoint 1"
	kindCheckpoint = "checkpoint" // everything that the run needs to go on
	kindFinal      = "final"      // what the finished model needs
)

// manifest describes a checkpoint. It is written last, so that a folder without one is no checkpoint.
type manifest struct {
	Format   string   `json:"format"`
	Kind     string   `json:"kind"`
	Step     int      `json:"step"`
	Stopped  string   `json:"stopped,omitempty"`
	Seconds  float64  `json:"seconds"`
	Identity identity `json:"identity"`
	Tensors  []entry  `json:"tensors"`
	SHA256   string   `json:"sha256"` // of this manifest with this field empty
}

// identity is what makes two runs the same run: a checkpoint of another identity is foreign.
type identity struct {
	Steps        int     `json:"steps"`
	LearningRate float64 `json:"learning_rate"`
	Schedule     string  `json:"schedule"`
	EMA          float64 `json:"ema"`
	ClipNorm     float64 `json:"clip_norm"`
	Seed         int64   `json:"seed"`
	EarlyStop    bool    `json:"early_stop"`
	Half         string  `json:"half,omitempty"`
	Batch        string  `json:"batch"` // shapes of a batch
	Tag          string  `json:"tag,omitempty"`
	Players      string  `json:"players,omitempty"` // of a Game
}

// entry is one tensor: Bytes little-endian bytes at Offset of the data file.
type entry struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Dims   []int  `json:"dims"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func (r *run) identity() identity {
	half := ""
	if r.c.Half != dtypes.InvalidDType {
		half = r.c.Half.String()
	}
	return identity{Steps: r.c.Steps, LearningRate: r.c.LearningRate, Schedule: fmt.Sprintf("%T%+v", r.c.Schedule, r.c.Schedule),
		EMA: r.c.EMA, ClipNorm: r.c.ClipNorm, Seed: r.c.Seed, EarlyStop: r.c.Stop != nil, Half: half,
		Batch: fmt.Sprint(r.shapes), Tag: r.c.Tag, Players: r.players.identity()}
}

func (e entry) shape() (shapes.Shape, error) {
	dtype, err := dtypes.DTypeString(e.DType)
	if err != nil {
		return shapes.Shape{}, fmt.Errorf("tensor %q: unknown dtype %q", e.Name, e.DType)
	}
	return shapes.Make(dtype, e.Dims...), nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// encode returns the manifest as JSON, with its own checksum.
func (m manifest) encode() ([]byte, error) {
	m.SHA256 = ""
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	m.SHA256 = sum(plain)
	return json.MarshalIndent(m, "", " ")
}

// readManifest reads and checks the manifest of the folder dir.
func readManifest(dir string) (m manifest, err error) {
	path := filepath.Join(dir, manifestFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("%s: expected a checkpoint's manifest in JSON, found %d bytes that are not: %w", path, len(data), err)
	}
	if m.Format != formatName {
		return m, fmt.Errorf("%s: expected format %q, found %q", path, formatName, m.Format)
	}
	again, err := m.encode()
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if !bytes.Equal(again, data) {
		return m, fmt.Errorf("%s: expected a text of SHA-256 as it states (%.12s…), found a changed one", path, m.SHA256)
	}
	return m, nil
}

// difference names the first field in which two identities differ, with both values.
func difference(expected, found identity) string {
	a, b := fields(expected), fields(found)
	for i, f := range a {
		if f != b[i] {
			return fmt.Sprintf("expected %s, found %s", f, b[i])
		}
	}
	return ""
}

func fields(i identity) []string {
	return []string{
		fmt.Sprintf("Steps %d", i.Steps), fmt.Sprintf("LearningRate %g", i.LearningRate), "Schedule " + i.Schedule,
		fmt.Sprintf("EMA %g", i.EMA), fmt.Sprintf("ClipNorm %g", i.ClipNorm), fmt.Sprintf("Seed %d", i.Seed),
		fmt.Sprintf("early stop %v", i.EarlyStop), fmt.Sprintf("Half %q", i.Half), "batches of " + i.Batch,
		fmt.Sprintf("Tag %q", i.Tag), fmt.Sprintf("players %q", i.Players),
	}
}
