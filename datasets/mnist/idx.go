package mnist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lowerbound-ml/lowerbound/datasets/internal/input"
)

// MaxIDX is the most bytes of data that ReadIDX accepts, 1 GiB.
const MaxIDX = 1 << 30

// unsignedBytes is the IDX code of the type of the values.
const unsignedBytes = 0x08

// ReadIDX reads an IDX file of unsigned bytes with the given number of axes, plain or gzip'd, to its end:
// the magic number 00 00 08 axes, one big-endian 32-bit length for each axis, then the data, the last axis fastest.
// The memory it takes is bounded by the size that the header promises, and that by MaxIDX.
//
// It returns an error that says what was expected and what was found when the file is anything else:
// another magic number, an axis of length 0, too large, truncated, too long, or a broken gzip stream.
func ReadIDX(r io.Reader, axes int) (dims []int, data []byte, err error) {
	plain, err := input.Plain(r)
	if err != nil {
		return nil, nil, err
	}
	if dims, err = readHeader(plain, axes); err != nil {
		return nil, nil, err
	}
	size := 1
	for _, d := range dims {
		if d < 1 || d > MaxIDX/size {
			return nil, nil, fmt.Errorf("found the lengths %d in the header, expected at least 1 each and at most %d values in all",
				dims, MaxIDX)
		}
		size *= d
	}
	data, err = input.Exactly(plain, size)
	return dims, data, err
}

func readHeader(r io.Reader, axes int) ([]int, error) {
	header := make([]byte, 4+4*axes)
	if n, err := io.ReadFull(r, header); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("found %d bytes, expected an IDX header of %d: the file is truncated", n, len(header))
	} else if err != nil {
		return nil, fmt.Errorf("found a broken header: %w", err)
	}
	want := uint32(unsignedBytes<<8 | axes)
	if magic := binary.BigEndian.Uint32(header); magic != want {
		return nil, fmt.Errorf("found the magic number %#08x, expected %#08x (IDX, unsigned bytes, %d axes)", magic, want, axes)
	}
	dims := make([]int, axes)
	for i := range dims {
		dims[i] = int(binary.BigEndian.Uint32(header[4+4*i:]))
	}
	return dims, nil
}
