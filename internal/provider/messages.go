package provider

import (
	"fmt"
	"slices"
	"strings"
)

// advice is what a person is told of an error: what is the matter, and what to do next (I8).
type advice struct {
	text string
	// general says that the error is not about the attribute at which it came up.
	general bool
}

// lostSecret is the guide's advice for a pair that does not work.
const lostSecret = "If the secret is lost, generate a new key: a secret is shown only once."

// named is how many shops a message names.
const named = 20

// enumerate returns the names, or as many of them as a person will read.
func enumerate(names []string) string {
	if len(names) <= named {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// join puts sentences after each other; empty ones are left out.
func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}
