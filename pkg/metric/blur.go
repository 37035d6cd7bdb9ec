package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// HighFrequencyPower returns the power of images [n][height*width] at spatial frequencies above cutoff, in squared units
// of a pixel, averaged over pixels and images:
//
//	(1/(hw)²) Σ_{‖f‖ > cutoff} |F(f)|²
//
// with F the discrete Fourier transform and f = (fy, fx) in cycles a pixel, each between −½ and ½. With a negative cutoff
// it is the mean square (Parseval), with 0 the variance within an image. A blurred image has less above ¼ than a sharp one.
// It panics when there is no image, or one does not have height·width pixels.
func HighFrequencyPower(images [][]float64, height, width int, cutoff float64) float64 {
	if len(images) == 0 {
		panic(fmt.Errorf("metric.HighFrequencyPower: no images, expected at least 1"))
	}
	rows, columns := fourier.NewCmplxFFT(width), fourier.NewCmplxFFT(height)
	sum := 0.0
	for i, img := range images {
		if len(img) != height*width {
			panic(fmt.Errorf("metric.HighFrequencyPower: image %d has %d pixels, expected %d*%d", i, len(img), height, width))
		}
		for at, c := range transform(img, rows, columns) {
			if math.Hypot(columns.Freq(at/width), rows.Freq(at%width)) > cutoff {
				sum += real(c)*real(c) + imag(c)*imag(c)
			}
		}
	}
	pixels := float64(height * width)
	return sum / (pixels * pixels * float64(len(images)))
}

// transform returns the two-dimensional discrete Fourier transform, row by row.
func transform(img []float64, rows, columns *fourier.CmplxFFT) []complex128 {
	width, height := rows.Len(), columns.Len()
	out := make([]complex128, len(img))
	for i, v := range img {
		out[i] = complex(v, 0)
	}
	for y := range height {
		copy(out[y*width:], rows.Coefficients(nil, out[y*width:(y+1)*width]))
	}
	column := make([]complex128, height)
	for x := range width {
		for y := range height {
			column[y] = out[y*width+x]
		}
		for y, c := range columns.Coefficients(nil, column) {
			out[y*width+x] = c
		}
	}
	return out
}
