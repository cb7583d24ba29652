package tfdriver

import (
	"maps"
	"slices"
)

func addresses[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }

// inOrder returns the objects of a configuration. Each comes after those that it refers to.
func inOrder(config Config) []Object {
	var ordered []Object
	done := map[string]bool{}
	var visit func(Object)
	visit = func(object Object) {
		if done[object.Address] {
			return
		}
		done[object.Address] = true
		for _, address := range object.references() {
			if other, ok := config.object(address); ok {
				visit(other)
			}
		}
		ordered = append(ordered, object)
	}
	for _, object := range config {
		visit(object)
	}
	return ordered
}
