package provider

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A GuidePage is a page of the guide: the messages about one subject.
type GuidePage struct {
	// Name is the page's file name without the extension.
	Name, Title, Description string
	// Entries are sorted: first what failed, then the causes, each in alphabetical order.
	Entries []GuideEntry
}

// A GuideEntry explains a message.
type GuideEntry struct {
	// Heading is the message as a reader sees it, with "…" for values.
	Heading string
	// Cause reports that the message is a cause, and not what failed.
	Cause bool
	// Meanings has one element for each message with this heading.
	Meanings []GuideMeaning
}

// A GuideMeaning says what a message means, and what to do. Do is empty if that depends on the cause.
type GuideMeaning struct{ Text, Do string }

// Guide returns the pages about all messages.
func Guide() []GuidePage {
	return []GuidePage{
		{
			Name: "messages-settings", Title: "Messages: provider settings",
			Description: "Errors and warnings about the provider block, its tokens, logins, files and environment variables.",
			Entries:     entries(settingsMessages()),
		},
		{
			Name: "messages-input", Title: "Messages: arguments and imports",
			Description: "Errors about the arguments of resources, and about import IDs.",
			Entries:     entries(slices.Concat(inputMessages(), libraryMessages())),
		},
		{
			Name: "messages-keys", Title: "Messages: API keys",
			Description: "Errors and warnings about generating, reading and deleting API keys.",
			Entries:     entries(keyMessages()),
		},
		{
			Name: "messages-shops", Title: "Messages: shops",
			Description: "Errors and warnings about connecting shops, reading them, and what they hold.",
			Entries:     entries(shopMessages()),
		},
		{
			Name: "messages-checks", Title: "Messages: data sources, lists and actions",
			Description: "Errors of data sources, lists and actions, and of the provider itself.",
			Entries:     entries(checkMessages()),
		},
		{
			Name: "messages-vendors", Title: "Messages: answers of Kustom and Mystore",
			Description: "Errors and warnings about what Kustom's and Mystore's APIs answer, and about the network.",
			Entries:     entries(vendorMessages()),
		},
		{
			Name: "messages-pages", Title: "Messages: pages and sign-in",
			Description: "Errors and warnings about the vendors' pages, the browser and your sessions.",
			Entries:     entries(pageMessages()),
		},
	}
}

// entries returns the messages as entries. Messages with the same heading share one.
func entries(messages []message) []GuideEntry {
	var all []GuideEntry
	for _, m := range messages {
		e := m.entry()
		same := slices.IndexFunc(all, func(other GuideEntry) bool { return other.Heading == e.Heading })
		if same < 0 {
			all = append(all, e)
			continue
		}
		all[same].Meanings = append(all[same].Meanings, e.Meanings...)
	}
	slices.SortFunc(all, compareEntries)
	return all
}

// compareEntries sorts causes last, and ignores placeholders at the start.
func compareEntries(a, b GuideEntry) int {
	if a.Cause != b.Cause {
		if a.Cause {
			return 1
		}
		return -1
	}
	key := func(e GuideEntry) string { return strings.ToLower(strings.TrimLeft(e.Heading, "… ")) }
	return cmp.Compare(key(a), key(b))
}

// entry returns the guide's entry for m.
func (m message) entry() GuideEntry {
	e := GuideEntry{Heading: m.title, Cause: m.title == ""}
	why := m.why
	if e.Cause {
		e.Heading, why = cutSentence(m.why)
	}
	// A reason that is only a value says nothing here.
	if strings.Trim(why, "…. ") == "" {
		why = ""
	}
	kind := ""
	if m.warning {
		kind = "A warning."
	}
	e.Meanings = []GuideMeaning{{Text: join(kind, why, m.note), Do: m.do}}
	return e
}

var sentenceEnd = regexp.MustCompile(`[.:](\s+|$)`)

// cutSentence splits text after its first sentence or before a colon. It returns the first part without its
// end, and the rest.
func cutSentence(text string) (first, rest string) {
	end := sentenceEnd.FindStringIndex(text)
	if end == nil {
		return text, ""
	}
	first, rest = text[:end[0]], strings.TrimLeft(text[end[1]:], "…. ")
	letter, size := utf8.DecodeRuneInString(rest)
	if size == 0 {
		return first, ""
	}
	return first, string(unicode.ToUpper(letter)) + rest[size:]
}
