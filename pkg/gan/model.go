package gan

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Model is a pair of networks with their weights (float32) and the backend that runs them. Its methods take and return Go slices, one
// row an x or z, for scripts and notebooks; Config.Build gives the functions on nodes. Each method compiles once for a number of rows,
// and keeps its program: the fields stay what they are. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	functions program.Functions
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	err := c.Check()
	var store *model.Store
	if err == nil {
		store, err = program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
			m := c.Build(scope)
			return m.D(m.G(Zeros(g, shapes.Make(dtypes.Float32, 2, c.Latent))))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("gan.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrPlay with Config.Game if need be. c is part
// of the run's identity. f.EMA is the decay of G's average: G's last weights go on circling, their average does not. The first
// tensor of a batch holds the data [n, Data], n a multiple of DSteps.
//
// fit.Report.Losses are D's, Report.Players those of D and of G. The error is fit.LoadOrPlay's; a loss or an update that is not
// finite names the step and the player.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	if err := c.Check(); err != nil {
		return nil, fit.Report{}, fmt.Errorf("gan.LoadOrTrain: %w", err)
	}
	store, game := model.NewStore(), c.Game(f)
	f.Tag, f.EMA = fmt.Sprintf("%s, %s", f.Tag, c), 0
	report, err := fit.LoadOrPlay(ctx, b, dir, store, game, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("gan.LoadOrTrain: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Sample draws n rows G(z), z ~ N(0, I) from seed, [n][Data]: one call of the network. It returns an error when n is below 1 or the
// store lacks weights.
func (m *Model) Sample(n int, seed int64) ([][]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("gan.Model.Sample: %d rows, expected at least 1", n)
	}
	z := sampler.Prior(shapes.Make(dtypes.Float32, n, m.Config.Latent), 1, seed)
	defer z.MustFinalizeAll()
	return m.rows("Sample", GAN.Sample, z)
}

// Generate returns G(z) for z [n][Latent], [n][Data]. It returns an error for no rows, rows of another width, and when the store lacks
// weights.
func (m *Model) Generate(z [][]float64) ([][]float64, error) {
	if err := program.Rows(z, m.Config.Latent, "the model's z"); err != nil {
		return nil, fmt.Errorf("gan.Model.Generate: %w", err)
	}
	return m.rows("Generate", GAN.Sample, z)
}

// Logits returns D's logits, or the critic's values, for x [n][Data], [n]. With Minibatch the rows are one batch, compared with each
// other. It returns an error for no rows, rows of another width, and when the store lacks weights.
func (m *Model) Logits(x [][]float64) ([]float64, error) {
	if err := program.Rows(x, m.Config.Data, "the model's data"); err != nil {
		return nil, fmt.Errorf("gan.Model.Logits: %w", err)
	}
	rows, err := m.rows("Logits", func(g GAN, x *Node) *Node { return Reshape(g.D(x), -1, 1) }, x)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(rows))
	for i, row := range rows {
		out[i] = row[0]
	}
	return out, nil
}

// rows runs fn of the model on rows, in float32, and returns float64.
func (m *Model) rows(method string, fn func(g GAN, x *Node) *Node, rows any) ([][]float64, error) {
	out, err := m.functions.Call(m.Backend, m.Store, method, func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{fn(m.Config.Build(scope), in[0])}
	}, rows)
	if err != nil {
		return nil, fmt.Errorf("gan.Model.%s: %w", method, err)
	}
	defer out[0].MustFinalizeAll()
	return out[0].Value().([][]float64), nil
}

// Finalize frees the programs that the methods compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() { m.functions.Finalize() }
