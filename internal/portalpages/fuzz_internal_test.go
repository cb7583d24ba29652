package portalpages

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// pageNodes are the nodes of a page, in the form of [browser.ParsePage].
type pageNodes []map[string]any

// add adds an element with a text, and returns its index. Parent is the index of the element around it.
func (d *pageNodes) add(parent int, role, text string) int {
	n := len(*d)
	*d = append(*d, map[string]any{"p": parent, "i": n + 1, "t": "div", "r": role, "k": true})
	if text != "" {
		*d = append(*d, map[string]any{"p": n, "i": len(*d) + 1, "r": "text", "x": text})
	}
	return n
}

func (d *pageNodes) page(t *testing.T) *browser.Page {
	t.Helper()
	snapshot, err := json.Marshal(map[string]any{"url": "https://portal.example/", "nodes": *d})
	if err != nil {
		t.Fatal(err)
	}
	p, err := browser.ParsePage(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const fuzzStore = "M00537204"

// FuzzReadList reads random lists of keys. Every key that is read is on the page, and belongs to the store.
func FuzzReadList(f *testing.F) {
	f.Add("combobox", "Kaffebonna – M00537204", "columnheader", "row", "M00537204-xM2pE", "12 Apr 2021 08:30", "2 Mar 2026 10:41", "1 result", "button", "Next")
	f.Add("text", "M00537204", "cell", "listitem", "M00698335-xM2pE", "2021-04-12T08:30:00Z", "–", "1–1 of 2", "link", ">")
	f.Add("button", "M00537204", "", "row", "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", "17. november 2025", "Never", "", "", "")
	f.Add("combobox", "Kaffebonna – M00537204", "columnheader", "row", "M00537204-xM2\xa0\xa0pE", "12 Apr 2021 08:30", "2 Mar 2026 10:41", "1 result", "button", "Next")
	f.Fuzz(func(t *testing.T, shownRole, shown, headerRole, rowRole, keyID, created, used, total, nextRole, next string) {
		var d pageNodes
		body := d.add(-1, "", "")
		d.add(body, shownRole, shown)
		d.add(body, "", total)
		d.add(body, "button", "Generate new")
		table := d.add(body, "table", "")
		header := d.add(table, "row", "")
		for _, name := range []string{"Key ID", "Creation date", "Last used", "Expiration date"} {
			d.add(header, headerRole, name)
		}
		row := d.add(table, rowRole, "")
		for _, text := range []string{keyID, created, used, "–"} {
			d.add(row, "cell", text)
		}
		d.add(body, nextRole, next)
		v := &visit{Visit: &browser.Visit{Words: browser.NewWords(Table(), nil), Page: "the list"}}
		read, err := v.read(d.page(t), fuzzStore)
		if err != nil {
			return
		}
		for _, key := range read.Keys {
			inOrder := key.LastUsedAt == nil || !key.LastUsedAt.IsZero()
			if store, known := kustom.StoreOf(key.Username); known && store != fuzzStore || !strings.Contains(keyID, key.Username) || !inOrder {
				t.Errorf("%q is read as %+v", keyID, key)
			}
		}
		if len(read.Keys) == 0 && read.Next != nil {
			t.Error("a page without keys has a next page")
		}
		if slices.ContainsFunc(read.Keys, func(key kustom.Key) bool { return key.CreatedAt.IsZero() }) {
			t.Errorf("a key without a date is read from %q", created)
		}
	})
}

// FuzzParseTime reads random dates. A parsed time that is formatted and parsed again is the same.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"12 Apr 2021 08:30", "17. november 2025 kl. 10:41", "2021-04-12T08:30:00+02:00", "Sept 3, 2025", "0000", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := parseTime(text)
		if err != nil {
			return
		}
		again, err := parseTime(read.at.Format("2006-01-02T15:04:05.999999999Z07:00"))
		if err != nil || !again.at.Equal(read.at) {
			t.Errorf("%q is read as %v, and then as %v (%v)", text, read, again, err)
		}
	})
}
