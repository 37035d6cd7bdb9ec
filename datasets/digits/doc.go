// Package digits holds 1,797 handwritten digits of 8x8 pixels, embedded in the program: no file, no network.
// They are the data set that the notebooks use unless they say otherwise.
//
// The images are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI
// Machine Learning Repository, CC BY 4.0; see the file NOTICE). A pixel counts the ink in a 4x4 block of a 32x32 bitmap,
// 0..16, and becomes an intensity in [0, 1]. Gather gives x float32 [batch, 64] ([batch, 8, 8, 1] after Spatial)
// and labels int32 [batch].
//
// The split into 1,500 training and 297 test images, in the order of the source, is this project's own and fixed.
package digits
