package gan

// Compiles returns how many graphs the model built so far.
func (m *Model) Compiles() int { return m.functions.Graphs() }
