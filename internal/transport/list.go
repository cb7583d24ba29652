package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// The limits of a list. A merchant with ten thousand keys stays below each of them.
const (
	// maxPages is the largest number of pages of a list.
	maxPages = 1000
	// maxItems is the largest number of items of a list.
	maxItems = 50_000
	// maxCursor is the largest size of a cursor, in bytes: more than a URL that servers accept.
	maxCursor = 8 << 10
	// maxListSize is the largest size of all pages of a list, in bytes after decompression.
	maxListSize = 64 << 20
)

// EndlessListError says that a list does not end, or is larger than the provider's limits.
type EndlessListError struct {
	// What names the listed items, in the plural. Host is the server.
	What, Host string
	// Reason says how the list showed it.
	Reason string
}

// Error implements error.
func (e *EndlessListError) Error() string {
	return fmt.Sprintf("list %s: %s %s", e.What, e.Host, e.Reason)
}

// Page is one page of a list.
type Page[T any] interface {
	// Content returns the page's items and the cursor of the next page. Items are nil if the answer has no
	// list. The cursor is empty on the last page.
	Content() (items Items[T], next string)
}

// List yields the items of a list, page by page. The name of the items is what. First asks for the first page,
// and follow returns the request for the page at a cursor. Iteration ends at the first error, which is an
// [*EndlessListError] if the list does not end. The sequence can be ranged over again.
func List[P Page[T], T any](ctx context.Context, c *Client, what string, first Request, follow func(first Request, next string) (Request, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		progress := listProgress{what: what, host: c.BaseURL.Host, seen: map[string]bool{}}
		request := first
		for {
			answer, err := Do[sized[P]](ctx, c, request)
			if err != nil {
				yield(none, fmt.Errorf("list %s: %w", what, err))
				return
			}
			items, next := answer.page.Content()
			if err := progress.add(items == nil, len(items), answer.size, next); err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if request, err = follow(first, next); err != nil {
				yield(none, fmt.Errorf("list %s: %w", what, err))
				return
			}
		}
	}
}

// listProgress counts the pages and items of a list, to stop an endless one.
type listProgress struct {
	what, host                string
	seen                      map[string]bool
	pages, items, size, empty int
}

// add counts a page. It returns a reason to stop, or nil.
func (l *listProgress) add(isNone bool, items, size int, next string) error {
	if isNone {
		return fmt.Errorf("list %s: the answer has no list", l.what)
	}
	l.pages++
	l.items += items
	l.size += size
	if items == 0 {
		l.empty++
	}
	switch {
	case l.items > maxItems:
		return l.endless(fmt.Sprintf("returned more than %d items", maxItems))
	case l.size > maxListSize:
		return l.endless(fmt.Sprintf("returned more than %d MiB", maxListSize>>20))
	case next == "":
		return nil
	case len(next) > maxCursor:
		return l.endless(fmt.Sprintf("names the next page in more than %d bytes", maxCursor))
	case l.empty > 1:
		return l.endless("returned two empty pages and a link to another page")
	case l.seen[next]:
		return l.endless("returned the same page twice")
	case l.pages >= maxPages:
		return l.endless(fmt.Sprintf("returned more than %d pages", maxPages))
	}
	l.seen[next] = true
	return nil
}

func (l *listProgress) endless(reason string) error {
	return &EndlessListError{What: l.what, Host: l.host, Reason: reason}
}

// sized is a page that knows its size in bytes.
type sized[P any] struct {
	page P
	size int
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *sized[P]) UnmarshalJSON(data []byte) error {
	s.size = len(data)
	return json.Unmarshal(data, &s.page)
}
