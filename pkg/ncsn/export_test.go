package ncsn

// Compiles returns how many graphs the model's methods have compiled.
func (m *Model) Compiles() int {
	n := m.functions.Graphs()
	for run := range m.runs.All() {
		n += run.Compiles()
	}
	return n
}
