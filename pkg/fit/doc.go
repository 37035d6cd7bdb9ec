// Package fit trains: it minimises a loss over the weights of a GoMLX store.
//
// Train runs Adam with a learning-rate schedule, clipping of the gradient's norm and a moving average of the
// weights. LoadOrTrain does the same with a directory for a memory, so that a notebook's later cells, and its second
// run, load what the first one trained.
//
// # One step
//
//	g  = ∇L(θ; batch k)              batch k is a pure function of k; noise comes from the store's state
//	g  ← g·min(1, c/‖g‖)             Config.ClipNorm
//	θ  ← Adam(θ, g, η·Schedule(k))   m, v per weight, as Kingma and Ba 2015, algorithm 1
//	ā  ← d_k ā + (1−d_k) θ           Config.EMA, d_k = min(EMA, (2+k)/(11+k)) at k = 0, 1, …
//
// On XLA, K steps run in one call, as a loop inside the compiled program: see Config.StepsPerCall. A step's result does
// not depend on K.
//
// # Games
//
// Play and LoadOrPlay train a Game: several players with a loss and weights of their own, as the two of a GAN. A step is then
// one round, in which every player makes the above move, or several, by its own Adam:
//
//	for each player i, Updates times:  θ_i ← Adam_i(θ_i, ∇_{θ_i} L_i(θ; rows of batch k), η_i·Schedule(k))
//
// # A run's directory
//
//	.lock                  while a process trains: its number, host and start, held by the operating system
//	step-0000000200/       a checkpoint: the state after 200 steps
//	  tensors.bin          all tensors, little-endian, one after the other
//	  manifest.json        written last: step, Config, and for each tensor name, dtype, dims, offset, bytes, SHA-256
//	final/                 the finished run: the weights (averaged, if Config.EMA; in half width, if Config.Half) and
//	                       the loss curve in float32. It is all that has to be shipped.
//	.writing-…/            a folder being written or removed; the next run sweeps it away
//	step-….broken-1/       a broken checkpoint whose place was needed; never read, never removed
//
// A folder is written under a temporary name, its files are synced to the disk, the folder is renamed, and the
// directory synced: after a kill or a power cut at any moment each folder is there whole, or not at all. Whatever is read is
// held against its SHA-256, the manifest against its own.
//
// A checkpoint holds every variable of the training step: weights, Adam's moments and step, averages, the state of the
// noise. The manifest's "identity" is the part of Config that decides the result, with the shapes of a batch and
// Config.Tag; a checkpoint of another identity, or of other variables, is refused. Two losses over the same network
// look alike from here: give them different Tags.
package fit
