package program

import (
	"iter"
	"maps"
)

// Memo keeps what was compiled, by what it was compiled for. The zero Memo is empty. It is not for concurrent use.
type Memo[K comparable, V interface{ Finalize() }] struct{ kept map[K]V }

// Get returns what is kept under key, which is made by build when there is nothing yet.
func (m *Memo[K, V]) Get(key K, build func() V) V {
	v, known := m.kept[key]
	if !known {
		if m.kept == nil {
			m.kept = map[K]V{}
		}
		v = build()
		m.kept[key] = v
	}
	return v
}

// All yields what is kept.
func (m *Memo[K, V]) All() iter.Seq[V] { return maps.Values(m.kept) }

// Forget frees what is kept under key.
func (m *Memo[K, V]) Forget(key K) {
	if v, known := m.kept[key]; known {
		v.Finalize()
		delete(m.kept, key)
	}
}

// Finalize frees all that is kept. The Memo can be used again.
func (m *Memo[K, V]) Finalize() {
	for key := range m.kept {
		m.Forget(key)
	}
}
