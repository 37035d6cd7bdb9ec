package sampler

// Compiles returns how many graphs the run has compiled.
func (r *Run) Compiles() int { return r.compiles }
