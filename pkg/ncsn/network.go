package ncsn

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Config is the architecture of a noise-conditional score network on rows of Dim numbers: a multi-layer perceptron.
type Config struct {
	Dim     int
	Levels  []float64 // σ_1 > … > σ_L > 0
	DataStd float64   // σ_d = √(E‖x‖²/d) of the data: their size, about 0
	Hidden  []int     // widths of the hidden layers; nil is 64, 64, 64
}

// ConfigFor returns the Config whose levels follow the rules for data x [n][d]: from MaxDistance down to smallest, with neighbours at
// most Ratio(d, 0.5) apart. In fewer than 5 dimensions, where that has no answer, they are at most RadialRatio(d, 0.9) apart: levels are
// cheap there, and a closer ratio keeps the modes' weights better. The size of the data is measured. It returns an error for data
// that MaxDistance refuses, or unless 0 < smallest < MaxDistance.
func ConfigFor(x [][]float64, smallest float64) (Config, error) {
	largest, err := MaxDistance(x)
	if err != nil {
		return Config{}, fmt.Errorf("ncsn.ConfigFor: %w", err)
	}
	if !(smallest > 0 && smallest < largest) {
		return Config{}, fmt.Errorf("ncsn.ConfigFor: the smallest level %g, expected a number above 0 and below %g, the largest distance in the data",
			smallest, largest)
	}
	c := Config{Dim: len(x[0])}
	var ratio float64
	if c.Dim < 5 {
		ratio, err = RadialRatio(c.Dim, 0.9)
	} else {
		ratio, err = Ratio(c.Dim, 0.5)
	}
	if err != nil {
		return Config{}, fmt.Errorf("ncsn.ConfigFor: %w", err)
	}
	for _, row := range x {
		for _, v := range row {
			c.DataStd += v * v / float64(len(x)*c.Dim)
		}
	}
	c.DataStd = math.Sqrt(c.DataStd)
	c.Levels, err = Geometric(largest, smallest, 1+int(math.Ceil(math.Log(largest/smallest)/math.Log(ratio))))
	return c, err
}

// String names the architecture and the levels: it is what makes a checkpoint fit.
func (c Config) String() string {
	return fmt.Sprintf("NCSN of %d numbers of size %.6g, hidden %v, levels %.6g", c.Dim, c.DataStd, c.hidden(), c.Levels)
}

// Check returns an error that names the field when there is no such network.
func (c Config) Check() error {
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("ncsn.Config: %s = %v, expected %s", field, value, want)
	}
	switch {
	case c.Dim < 1:
		return wrong("Dim", c.Dim, "the numbers in a row of the data, 1 or more")
	case !(c.DataStd > 0) || math.IsInf(c.DataStd, 0):
		return wrong("DataStd", c.DataStd, "the size of the data, above 0: ConfigFor measures it")
	}
	for _, width := range c.Hidden {
		if width < 1 {
			return wrong("Hidden", c.Hidden, "widths of 1 or more")
		}
	}
	if err := CheckLevels(c.Levels); err != nil {
		return fmt.Errorf("ncsn.Config: Levels: %w", err)
	}
	return nil
}

// Process returns the process EDM between the levels, which must be valid.
func (c Config) Process() process.Process { return Process(c.Levels) }

func (c Config) hidden() []int {
	if c.Hidden == nil {
		return []int{64, 64, 64}
	}
	return c.Hidden
}

// Score returns the network whose weights lie in scope, for x [n, Dim] and a noise level [n or 1, 1] between the levels, or at one:
//
//	s_θ(x, σ) = −x/(σ²+σ_d²) + (σ_d / σ√(σ²+σ_d²)) F_θ(x/√(σ²+σ_d²), log σ)
//
// The first term is the score of N(0, (σ²+σ_d²)I), a normal law of the size of the blurred data, so that F has only to learn how the
// data differ from it; the factor keeps what F has to return at the size of 1 for every σ. Far from all data, and at large σ,
// the score then points back by construction, where Song and Ermon's 2020 F(x)/σ (technique 3) points where it happens to.
// It is the denoiser of Karras et al. 2022 (equation 7, table 1) as a score. It panics when c is not a valid Config, or x has another
// width.
func (c Config) Score(scope *model.Scope) param.ScoreFn {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("ncsn.Config.Score: %w", err))
	}
	return func(x, sigma *Node) *Node {
		c.checkX("Score", x)
		size2 := AddScalar(Square(sigma), c.DataStd*c.DataStd)
		size := Sqrt(size2)
		correction := Mul(DivScalar(Mul(sigma, size), c.DataStd), OnesLike(sigma))
		return Sub(Div(c.network(scope, Div(x, size), Log(sigma)), correction), Div(x, size2))
	}
}

// network returns F_θ(x, log σ), of x's shape.
func (c Config) network(scope *model.Scope, x, logSigma *Node) *Node {
	const features, slowest, fastest = 16, 0.25, 4 // of log σ: from a quarter radian for a factor e to a whole period for a factor 5
	const stretch = 3                              // of x, so that the first layer bends within the data: at 1 some seeds never part neighbouring modes
	level := nets.TimeEmbedding(logSigma, features, slowest, fastest)
	h := Concatenate([]*Node{MulScalar(x, stretch), BroadcastToDims(level, x.Shape().Dimensions[0], features)}, -1)
	return nets.MLP(scope.At("score"), h, nets.GlorotUniform, activation.Swish, append(append([]int{}, c.hidden()...), c.Dim)...)
}

// checkX panics unless x is [n, Dim].
func (c Config) checkX(method string, x *Node) {
	if x.Rank() != 2 || x.Shape().Dimensions[1] != c.Dim {
		panic(fmt.Errorf("ncsn.Config.%s: x has shape %s, expected [n, %d]: take data of that width, or a Config of theirs", method, x.Shape(), c.Dim))
	}
}

// Loss returns what fit.Train minimises: the mean over the batch of Objective's loss, divided by Dim. It is 1 for the score 0. The first tensor of
// a batch holds the data [batch, Dim].
func (c Config) Loss() fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		c.checkX("Loss", batch[0])
		loss := Objective(c.Levels).Loss(noise.Finite(scope), c.Score(scope), batch[0])
		return DivScalar(ReduceAllMean(loss), float64(c.Dim))
	}
}
