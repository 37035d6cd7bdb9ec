package ar

// Compiles returns how many graphs LogProb and Sample's last part built so far.
func (m *Trained) Compiles() int { return m.functions.Graphs() }
