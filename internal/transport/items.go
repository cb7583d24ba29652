package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxPageItems is the largest number of items of a page, ten times the requested number.
const maxPageItems = 1000

// Items is a list in an answer. Reading more items than a page may have is an error. The check comes before the
// memory is allocated: an item of two bytes may take hundreds.
type Items[T any] []T

// UnmarshalJSON implements json.Unmarshaler. A null becomes nil.
func (i *Items[T]) UnmarshalJSON(data []byte) error {
	*i = nil
	if !bytes.HasPrefix(data, []byte("[")) {
		var list []T
		return json.Unmarshal(data, &list)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	items := Items[T]{}
	for decoder.More() {
		if len(items) == maxPageItems {
			return errTooManyItems
		}
		var item T
		if err := decoder.Decode(&item); err != nil {
			return err
		}
		items = append(items, item)
	}
	*i = items
	return nil
}

var errTooManyItems = fmt.Errorf("it has a list of more than %d items", maxPageItems)
