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
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Model is a pair of networks with their weights (float32) and the backend that runs them. Its methods take and return Go slices, one
// row an x or z, for scripts and notebooks; Config.Build gives the functions on nodes. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("gan.NewModel: %w", err)
	}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, fmt.Errorf("gan.NewModel: seed %d: %w", seed, err)
	}
	_, err := model.CallOnce(b, store, func(scope *model.Scope, g *Graph) *Node {
		m := c.Build(scope)
		return m.D(m.G(Zeros(g, shapes.Make(dtypes.Float32, 2, c.Latent))))
	})
	if err != nil {
		return nil, fmt.Errorf("gan.NewModel: %w", err)
	}
	return &Model{c, store, b}, nil
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
	return &Model{c, store, b}, report, nil
}

// Sample draws n rows G(z), z ~ N(0, I) from seed, [n][Data]: one call of the network. It returns an error when n is below 1 or the
// store lacks weights.
func (m *Model) Sample(n int, seed int64) ([][]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("gan.Model.Sample: %d rows, expected at least 1", n)
	}
	return m.rows("Sample", func(g GAN, z *Node) *Node { return g.Sample(z) }, sampler.Prior(shapes.Make(dtypes.Float32, n, m.Config.Latent), 1, seed))
}

// Generate returns G(z) for z [n][Latent], [n][Data]. It returns an error for no rows, rows of another width, and when the store lacks
// weights.
func (m *Model) Generate(z [][]float64) ([][]float64, error) {
	if err := checkRows(z, m.Config.Latent); err != nil {
		return nil, fmt.Errorf("gan.Model.Generate: %w", err)
	}
	return m.rows("Generate", func(g GAN, z *Node) *Node { return g.Sample(z) }, z)
}

// Logits returns D's logits, or the critic's values, for x [n][Data], [n]. With Minibatch the rows are one batch, compared with each
// other. It returns an error for no rows, rows of another width, and when the store lacks weights.
func (m *Model) Logits(x [][]float64) ([]float64, error) {
	if err := checkRows(x, m.Config.Data); err != nil {
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

// checkRows returns an error unless x is rows of the width.
func checkRows(x [][]float64, width int) error {
	if len(x) == 0 {
		return fmt.Errorf("no rows, expected at least 1 of %d numbers", width)
	}
	for i, row := range x {
		if len(row) != width {
			return fmt.Errorf("row %d has %d numbers, expected %d", i, len(row), width)
		}
	}
	return nil
}

// rows runs fn of the model on rows, in float32, and returns float64.
func (m *Model) rows(method string, fn func(g GAN, x *Node) *Node, rows any) ([][]float64, error) {
	lacks := fit.Frozen(m.Store)
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(fn(m.Config.Build(scope), ConvertDType(x, dtypes.Float32)), dtypes.Float64)
	}, rows)
	if lack := lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		return nil, fmt.Errorf("gan.Model.%s: %w", method, err)
	}
	defer out.MustFinalizeAll()
	return out.Value().([][]float64), nil
}
