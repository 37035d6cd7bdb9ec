package bench

import (
	"context"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

// always gives one batch at every step.
type always []*tensors.Tensor

func (a always) Batch(int) ([]*tensors.Tensor, error) { return a, nil }

// BenchmarkLoad loads the finished 784-400-20 VAE: what a notebook's cell pays, past its own start.
func BenchmarkLoad(b *testing.B) {
	for name, half := range map[string]dtypes.DType{"float32": dtypes.InvalidDType, "bfloat16": dtypes.BFloat16} {
		b.Run(name, func(b *testing.B) {
			dir, data := b.TempDir(), always(batches(1)[0])
			load := func() fit.Report {
				r, err := fit.LoadOrTrain(context.Background(), backendtest.Open(b), dir, model.NewStore(), loss, data,
					fit.Config{Steps: 1, LearningRate: 1e-3, Half: half})
				if err != nil {
					b.Fatal(err)
				}
				return r
			}
			load()
			var r fit.Report
			for b.Loop() {
				r = load()
			}
			if !r.Loaded {
				b.Fatal("nothing was loaded")
			}
			b.ReportMetric(float64(r.Bytes), "bytes")
		})
	}
}
