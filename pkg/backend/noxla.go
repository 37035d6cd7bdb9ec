//go:build !cgo

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

const noCgo = "this program was built with CGO_ENABLED=0, which leaves XLA out"

func findXLA() Choice { return Choice{PureGo, noCgo} }

func installed() []string { return nil }

func openXLA(string) (compute.Backend, error) { return nil, errors.New(noCgo) }

func describeXLA(b compute.Backend) string { return b.Description() }
