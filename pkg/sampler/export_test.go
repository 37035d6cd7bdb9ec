package sampler

// Compiles returns how many graphs the flow's runs have compiled.
func (f *Flow) Compiles() int { return f.encode.compiles + f.decode.compiles + f.likely.compiles }
