package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// messageIndex is the name of the index page.
const messageIndex = "messages"

// addMessages writes the pages about messages, and their index.
func addMessages(out string) error {
	pages := provider.Guide()
	texts := map[string]string{messageIndex: indexOf(pages)}
	for _, page := range pages {
		texts[page.Name] = messagePage(page)
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(out, "guides", name+".md"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pageBegin is the beginning of a page: front matter, title, introduction.
const pageBegin = "---\npage_title: %q\ndescription: |-\n  %s\n---\n\n# %[1]s\n\n%[2]s"

// messagePage returns a page of messages in Markdown.
func messagePage(page provider.GuidePage) string {
	var text strings.Builder
	fmt.Fprintf(&text, pageBegin+" [All messages](%s.md) are in one index.\n\n"+
		"If an entry does not say what to do, look at the sentence below the message's first line. It names the cause. The index has the causes too.\n",
		page.Title, page.Description, messageIndex)
	section := ""
	for _, e := range page.Entries {
		if s := sectionOf(e); s != section {
			section = s
			fmt.Fprintf(&text, "\n## %s\n", section)
		}
		fmt.Fprintf(&text, "\n### %s\n", e.Heading)
		for _, meaning := range e.Meanings {
			if meaning.Text != "" {
				fmt.Fprintf(&text, "\n%s\n", codeOf(meaning.Text))
			}
			if meaning.Do != "" {
				fmt.Fprintf(&text, "\n**What to do:** %s\n", codeOf(meaning.Do))
			}
		}
	}
	return text.String()
}

// sectionOf returns the title of an entry's section.
func sectionOf(e provider.GuideEntry) string {
	if e.Cause {
		return "Why"
	}
	return "What failed"
}

// indexOf returns the index page.
func indexOf(pages []provider.GuidePage) string {
	links := map[string][]string{}
	for _, page := range pages {
		for _, e := range page.Entries {
			link := fmt.Sprintf("- [%s](%s.md#%s)", e.Heading, page.Name, anchorOf(e.Heading))
			links[sectionOf(e)] = append(links[sectionOf(e)], link)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, pageBegin+"\n", "All messages", "Every error and warning of the provider, in alphabetical order. A value, such as a shop's name, is shown as `…`.")
	for _, section := range []struct{ title, begins string }{
		{"What failed", "The first line of a message."},
		{"Why", "The sentence below the first line."},
	} {
		list := links[section.title]
		slices.SortFunc(list, func(a, b string) int { return strings.Compare(letters(a), letters(b)) })
		fmt.Fprintf(&text, "\n## %s\n\n%s\n\n%s\n", section.title, section.begins, strings.Join(list, "\n"))
	}
	return text.String()
}

// letters returns the sort key of a link.
func letters(link string) string { return strings.ToLower(strings.TrimLeft(link, "-[… ")) }

// anchorOf returns the anchor of a heading, as the registries and GitHub make it.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// code matches code in a message: text in backticks, commands and their flags, calls, arguments with their values,
// environment variables, JSON, addresses and prefixes of secrets.
var code = regexp.MustCompile(strings.Join([]string{
	"`[^`]*`",
	`terraform-provider-kustom(?: [a-z]+)?(?: --[a-z-]+(?: [A-Z]+)?)*`, `apt-get install \w+`, `chmod 600 …`,
	`--[a-z-]+(?: playground| --version)?`, `-(?:target|replace=\S+?…)`,
	`\b(?:trimspace|distinct|compact)\([^)]*\)+`, `replace\(var.*?"-"\)`, `\{"my-shop".*?\}+`, `\{ for .*? \}`,
	`(?:merchant_id|shop)/(?:merchant_id|credential_id)`, `verify = false`, `browser\.[a-z_]+`,
	`\b(?:kco|klarna)_\b`, `\b[A-Za-z]+(?:_[A-Za-z]+)+[_=]?(?: = (?:"[^"]*"|\w+))?`, `\bDISPLAY\b`,
	`https?://(?:[\w./-]*\w)?`,
}, "|"))

// codeOf marks the code in a text.
func codeOf(text string) string {
	return code.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "`") {
			return found
		}
		return "`" + found + "`"
	})
}
