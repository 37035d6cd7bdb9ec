package gan

import (
	"fmt"
	"math"
)

// Config is the architecture of the two players, multi-layer perceptrons on rows of Data numbers, and the game they play.
type Config struct {
	Data   int   // numbers of x
	Latent int   // numbers of z ~ N(0, I)
	G, D   []int // widths of the hidden layers; without any, G is an affine map, and D logistic in x

	Loss    Loss    // NonSaturating, Minimax or Wasserstein
	Penalty float64 // λ: see GAN.Penalty; Wasserstein needs it, as 1 in the plane and 10 on images
	DSteps  int     // k, moves of D for one of G, each on its share of a batch's rows; 0 means 1
	DRate   float64 // D's learning rate over G's (Heusel et al. 2017); 0 means 1

	// Minibatch lets D compare the rows of a batch: beside its last hidden layer it sees how close each row lies to the others, in
	// eight learned projections (Salimans et al. 2016, section 3.2). A generator that repeats itself then gives itself away.
	Minibatch bool
	// Bounded ends G in the logistic function, for data between 0 and 1.
	Bounded bool
}

func (c Config) steps() int { return max(1, c.DSteps) }

func (c Config) rate() float64 {
	if c.DRate == 0 {
		return 1
	}
	return c.DRate
}

// String names the architecture and the game: it is what makes a checkpoint fit.
func (c Config) String() string {
	return fmt.Sprintf("GAN of %d numbers from %d, G %v, bounded %t, D %v, minibatch %t, %s, penalty %g, %d moves of D at %g times the rate",
		c.Data, c.Latent, c.G, c.Bounded, c.D, c.Minibatch, c.Loss, c.Penalty, c.steps(), c.rate())
}

// Check returns an error that names the field when there is no such model.
func (c Config) Check() error {
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("gan.Config: %s = %v, expected %s", field, value, want)
	}
	switch {
	case c.Data < 1:
		return wrong("Data", c.Data, "1 or more")
	case c.Latent < 1:
		return wrong("Latent", c.Latent, "1 or more")
	case !positive(c.G):
		return wrong("G", c.G, "positive widths")
	case !positive(c.D):
		return wrong("D", c.D, "positive widths")
	case c.Loss < NonSaturating || c.Loss > Wasserstein:
		return wrong("Loss", c.Loss, "NonSaturating, Minimax or Wasserstein")
	case !(c.Penalty >= 0) || math.IsInf(c.Penalty, 1):
		return wrong("Penalty", c.Penalty, "0 or more")
	case c.Loss == Wasserstein && c.Penalty == 0:
		return wrong("Penalty", c.Penalty, "a positive number with Wasserstein, as 1: without it the critic grows for ever")
	case c.Minibatch && c.Penalty > 0:
		return wrong("Minibatch", c.Minibatch, "false with a Penalty, which takes the slope of each row alone")
	case c.DSteps < 0:
		return wrong("DSteps", c.DSteps, "1 or more, or 0 for 1")
	case !(c.DRate >= 0) || math.IsInf(c.DRate, 1):
		return wrong("DRate", c.DRate, "a positive number, or 0 for 1")
	}
	return nil
}

func positive(widths []int) bool {
	for _, w := range widths {
		if w < 1 {
			return false
		}
	}
	return true
}
