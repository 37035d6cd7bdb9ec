// Package backend opens the GoMLX backend that the rest of the library computes on.
//
// It is the only package of pkg/ that names a backend: everything else takes a
// compute.Backend as a parameter. Open("") looks in this order and takes the first that is there:
//
//  1. the backend that the environment variable GOMLX_BACKEND names (as "xla:cpu", "xla:cuda", "go",
//     or "xla:" and the path of a PJRT plugin); one that cannot be opened is an error, never replaced by another;
//  2. a PJRT plugin that is installed where go-xla looks (PJRT_PLUGIN_LIBRARY_PATH, its own folder, the system's);
//  3. the plugin of the nearest .venv, in the working directory or a folder above it (make setup puts it there);
//  4. a plugin that go-xla's installer fetches, unless GOMLX_NO_AUTO_INSTALL is set;
//  5. GoMLX's pure-Go backend, with one line on standard error that says so and why.
//
// A program built with CGO_ENABLED=0 has the pure-Go backend only.
package backend
