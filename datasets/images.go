package datasets

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// Images are labelled pictures of one size, held as bytes: a byte v stands for the intensity v/Max in [0, 1].
// Gather gives x float32, [batch, Height*Width*Channels], or [batch, Height, Width, Channels] after Spatial,
// and the labels, int32 [batch].
type Images struct {
	name                    string
	Height, Width, Channels int
	Max                     byte    // the byte that stands for intensity 1
	Pixels                  []byte  // Len()*Height*Width*Channels bytes, channels last
	Labels                  []int32 // Len() classes
	spatial                 bool
	levels                  [256]float32 // levels[v] = v/Max
}

// NewImages returns labelled images over pixels and labels, which it keeps and does not copy.
// It returns an error when a size is below 1, max is 0, a pixel exceeds max,
// or the number of pixels is not len(labels)*height*width*channels.
func NewImages(name string, height, width, channels int, max byte, pixels []byte, labels []int32) (*Images, error) {
	d := &Images{name: name, Height: height, Width: width, Channels: channels, Max: max, Pixels: pixels, Labels: labels}
	if height < 1 || width < 1 || channels < 1 || max == 0 {
		return nil, fmt.Errorf("datasets.NewImages(%q): height %d, width %d, channels %d, max %d; all must be at least 1",
			name, height, width, channels, max)
	}
	if len(pixels) != len(labels)*d.Size() {
		return nil, fmt.Errorf("datasets.NewImages(%q): %d pixels for %d labels, want %d (%d an image)",
			name, len(pixels), len(labels), len(labels)*d.Size(), d.Size())
	}
	for i, v := range pixels {
		if v > max {
			return nil, fmt.Errorf("datasets.NewImages(%q): pixel %d of image %d is %d, want at most %d",
				name, i%d.Size(), i/d.Size(), v, max)
		}
	}
	for v := range d.levels {
		d.levels[v] = float32(v) / float32(max)
	}
	return d, nil
}

// Name identifies the data set in errors and plots.
func (d *Images) Name() string { return d.name }

// Len is the number of images.
func (d *Images) Len() int { return len(d.Labels) }

// Size is the number of intensities of one image, Height*Width*Channels.
func (d *Images) Size() int { return d.Height * d.Width * d.Channels }

// Spatial returns the same images, sharing their memory, with x as [batch, Height, Width, Channels].
func (d *Images) Spatial() *Images {
	s := *d
	s.spatial = true
	return &s
}

// Slice returns images lo to hi-1 under another name, sharing their memory.
// It returns an error when they are not all there or none are asked for.
func (d *Images) Slice(name string, lo, hi int) (*Images, error) {
	if lo < 0 || hi > d.Len() || lo >= hi {
		return nil, fmt.Errorf("datasets.Images.Slice: [%d, %d) of %q, want a part of [0, %d)", lo, hi, d.name, d.Len())
	}
	s := *d
	s.name, s.Pixels, s.Labels = name, d.Pixels[lo*d.Size():hi*d.Size()], d.Labels[lo:hi]
	return &s, nil
}

// At returns the intensities of image i in [0, 1], Size() of them. It panics when i is outside 0..Len()-1.
func (d *Images) At(i int) []float32 {
	out := make([]float32, d.Size())
	d.read(i, out)
	return out
}

func (d *Images) read(i int, out []float32) {
	size := d.Size()
	for k, v := range d.Pixels[i*size : (i+1)*size] {
		out[k] = d.levels[v]
	}
}

func (d *Images) dims() []int {
	if d.spatial {
		return []int{d.Height, d.Width, d.Channels}
	}
	return []int{d.Size()}
}

// Gather implements Data.
func (d *Images) Gather(indices []int) ([]*tensors.Tensor, error) {
	if err := checkIndices(d.name, indices, d.Len()); err != nil {
		return nil, err
	}
	x, err := fill(indices, d.dims(), func(out []float32) {
		for k, i := range indices {
			d.read(i, out[k*d.Size():])
		}
	})
	if err != nil {
		return nil, err
	}
	labels, err := Rows(d.Labels, indices)
	return []*tensors.Tensor{x, labels}, err
}
