package hvae

// Compiles returns how many graphs the model's methods have compiled.
func (m *Model) Compiles() int { return m.functions.Graphs() }
