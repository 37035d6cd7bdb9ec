// Package shapes draws pictures whose factors are known.
//
// A Law draws 8x8 pictures of squares, circles and crosses with a position, a size and a thickness, and returns these
// factors beside the pictures: what a latent code ought to find, and what a test can hold it against. Captioned adds captions such as
// "small square, top left", and a Reader reads the factors off any picture, so that a generated one can be held against its caption.
//
// Tiny is a law of 3x3 binary pictures with all 512 probabilities in closed form, for models whose likelihood is exact.
package shapes
