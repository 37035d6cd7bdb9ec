package metric

// NeighbourDistances returns the Euclidean distance of each sample to its nearest neighbour among points; a copy has 0.
// Both sets are [n][d].
func NeighbourDistances(samples, points [][]float64) []float64 {
	checkSets("NeighbourDistances", 1, points, samples)
	out := make([]float64, len(samples))
	for i, v := range samples {
		_, out[i] = nearest(v, points)
	}
	return out
}
