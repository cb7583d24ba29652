package browser_test

import (
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

func TestAWantIsMetByTheOneSuchThing(t *testing.T) {
	t.Parallel()
	want := func(role string, names ...string) browser.Want { return browser.Want{Role: role, Words: names} }
	for name, test := range map[string]struct {
		want browser.Want
		met  bool
		// found is the name of what meets it.
		found string
	}{
		"one":                               {want: want("rowheader", "M1-a"), met: true, found: "M1-a"},
		"none":                              {want: want("rowheader", "M1-c")},
		"two":                               {want: want("button", "Delete")},
		"one of two, in a dialog":           {want: want("button", "Delete").Inside("dialog"), met: true, found: "Delete"},
		"in what it is not in":              {want: want("rowheader", "M1-a").Inside("dialog")},
		"of any name":                       {want: want("table"), met: true, found: "API keys"},
		"saying":                            {want: want("dialog").Saying("M1-b", "M1-a"), met: true, found: "Delete"},
		"saying what it does not":           {want: want("dialog").Saying("M1-")},
		"holding":                           {want: want("textbox").Holding("M1-a"), met: true, found: "Kustom ID"},
		"holding something else":            {want: want("textbox").Holding("M1-b")},
		"gone":                              {want: browser.Gone("rowheader", "M1-c"), met: true},
		"not gone":                          {want: browser.Gone("rowheader", "M1-a")},
		"not gone, with an alternative":     {want: browser.Gone("rowheader", "M1-a").Else(want("table"))},
		"the other":                         {want: want("slider").Else(want("table")), met: true, found: "API keys"},
		"either":                            {want: want("table").Else(want("heading")), met: true, found: "API keys"},
		"neither":                           {want: want("slider").Else(want("checkbox"))},
		"two, and the other would do":       {want: want("button", "Delete").Else(want("table"))},
		"the third":                         {want: want("slider").Else(want("checkbox").Else(want("table"))), met: true, found: "API keys"},
		"the other, which is there twice":   {want: want("slider").Else(want("button", "Delete"))},
		"saying, in what it is not in":      {want: want("paragraph").Saying("M1-a").Inside("table")},
		"saying and in what it is meant by": {want: want("paragraph").Saying("M1-a").Inside("dialog"), met: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			element, met := browser.Met(test.want, keysPage())
			if met != test.met || element != nil && element.Name != test.found || met && element == nil && !test.want.Gone {
				t.Errorf("%s: met is %t with %v, want %t with %q", test.want, met, element, test.met, test.found)
			}
		})
	}
}

func TestAWantSaysWhatItIs(t *testing.T) {
	t.Parallel()
	words := browser.NewWords(table(), nil)
	for want, text := range map[*browser.Want]string{
		{Role: "table"}: "table",
		ptr(words.Want("link", "new").Else(words.Want("button", "new"))):       `link "New" or "Add" or "Ny", or button "New" or "Add" or "Ny"`,
		ptr(words.Want("dialog", "new").Saying("M1", "M2").Inside("main")):     `dialog "New" or "Add" or "Ny" in a main saying "M1" or "M2"`,
		ptr(browser.Gone("rowheader", "M1-a")):                                 `no rowheader "M1-a"`,
		ptr(browser.Want{Role: "textbox", Words: []string{"ID"}}.Holding("x")): `textbox "ID"`,
	} {
		if got := want.String(); got != text {
			t.Errorf("it says %s, want %s", got, text)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func table() browser.Table {
	return browser.Table{
		"new":     {"en": {"New", "Add"}, "nb": {"Ny"}},
		"actions": {"en": {"Actions for %s"}, "nb": {"Handlinger for %s"}},
		"pair":    {"en": {"%s of %s"}},
	}
}

func TestWordsAreThoseOfAllLanguagesOrTheOverride(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		override map[string]string
		label    string
		args     []string
		want     []string
	}{
		"all languages":              {label: "new", want: []string{"New", "Add", "Ny"}},
		"a place":                    {label: "actions", args: []string{"M1-a"}, want: []string{"Actions for M1-a", "Handlinger for M1-a"}},
		"two places":                 {label: "pair", args: []string{"M1-a", "Shop"}, want: []string{"M1-a of Shop"}},
		"a place without its words":  {label: "actions", want: []string{"Actions for %s", "Handlinger for %s"}},
		"an override is the one":     {override: map[string]string{"new": "Create"}, label: "new", want: []string{"Create"}},
		"an override with a place":   {override: map[string]string{"actions": "Menu of %s"}, label: "actions", args: []string{"M1-a"}, want: []string{"Menu of M1-a"}},
		"an override of another one": {override: map[string]string{"pair": "x"}, label: "new", want: []string{"New", "Add", "Ny"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			words := browser.NewWords(table(), test.override)
			if got := words.Of(test.label, test.args...); !slices.Equal(got, test.want) {
				t.Errorf("the words are %q, want %q", got, test.want)
			}
			if !words.Is(" "+test.want[0]+"\n", test.label, test.args...) || words.Is("something else", test.label, test.args...) {
				t.Error("it does not know its own words")
			}
		})
	}
	if labels := table().Labels(); !slices.Equal(labels, []string{"actions", "new", "pair"}) {
		t.Errorf("the labels are %q", labels)
	}
}

func TestMentionsFindsWholeWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, word string
		want       bool
	}{
		{"Fjellsport (M00412871)", "M00412871", true},
		{"M00412871", "M00412871", true},
		{"M004128711", "M00412871", false},
		{"PM00412871", "M00412871", false},
		{"M00412871-a M00412871", "M00412871", true},
		{"The key M00412871-a will", "M00412871-a", true},
		{"The key M00412871-a2 will", "M00412871-a", false},
		{"The key M00412871-a.", "M00412871-a", true},
		{"æM1", "M1", false},
		{"M1_", "M1", false},
		{"shop", "shop", true},
		{"shop.no", "shop", false},
		{"the.shop", "shop", false},
		{"This is shop. No other", "shop", true},
		{"aaa", "aa", false},
		{"anything", "", false},
		{"", "M1", false},
	} {
		if got := browser.Mentions(test.text, test.word); got != test.want {
			t.Errorf("Mentions(%q, %q) is %t", test.text, test.word, got)
		}
	}
}
