package metric

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Space is a feature space in which samples are compared: Features maps x [n][d] to [n][k], row by row, and Name says what
// the features are, for the results that depend on it.
type Space struct {
	Name     string
	Features func(x [][]float64) [][]float64
}

// Pixels is the space of the samples themselves.
func Pixels() Space {
	return Space{"pixels", func(x [][]float64) [][]float64 { return x }}
}

// PCA returns the space of the first k principal components of data [n][d]: the coordinates of x − mean along the
// eigenvectors of data's covariance with the k largest eigenvalues, in units of x. Its name gives the share of the
// variance that they hold. Make it once, on training data, and use it for every model.
// It panics unless n ≥ 2 and 1 ≤ k ≤ d.
func PCA(data [][]float64, k int) Space {
	checkSets("PCA", 2, data)
	d := len(data[0])
	if k < 1 || k > d {
		panic(fmt.Errorf("metric.PCA: %d components of %d dimensions, expected 1 to %d", k, d, d))
	}
	var covariance mat.SymDense
	stat.CovarianceMatrix(&covariance, matrix(data), nil)
	var eigen mat.EigenSym
	if !eigen.Factorize(&covariance, true) {
		panic(fmt.Errorf("metric.PCA: the covariance of %d samples has no eigenvalues: are all numbers finite?", len(data)))
	}
	var vectors, centre mat.Dense
	eigen.VectorsTo(&vectors) // by rising eigenvalues
	axes := vectors.Slice(0, d, d-k, d)
	centre.Mul(mat.NewDense(1, d, means(data)), axes)
	share, total := 0.0, mat.Trace(&covariance)
	for _, v := range eigen.Values(nil)[d-k:] {
		share += v / total
	}
	return Space{fmt.Sprintf("%d principal components, %.0f%% of the variance", k, 100*share),
		func(x [][]float64) [][]float64 { return coordinates(x, axes, centre.RawRowView(0)) }}
}

// coordinates returns x·axes − centre with the last axis first.
func coordinates(x [][]float64, axes mat.Matrix, centre []float64) [][]float64 {
	var product mat.Dense
	product.Mul(matrix(x), axes)
	out := make([][]float64, len(x))
	for i := range out {
		for j := len(centre) - 1; j >= 0; j-- {
			out[i] = append(out[i], product.At(i, j)-centre[j])
		}
	}
	return out
}

func matrix(x [][]float64) *mat.Dense {
	m := mat.NewDense(len(x), len(x[0]), nil)
	for i, v := range x {
		m.SetRow(i, v)
	}
	return m
}

// means returns the mean of each coordinate.
func means(x [][]float64) []float64 {
	out := make([]float64, len(x[0]))
	for _, v := range x {
		for j := range out {
			out[j] += v[j] / float64(len(x))
		}
	}
	return out
}
