// Package shoplist reads lists of shops and of tokens from the CSV files that spreadsheets save.
package shoplist

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	textunicode "golang.org/x/text/encoding/unicode"
)

// Problem is one mistake in a list, with its place.
type Problem struct {
	// Row is the row number of a spreadsheet, from 1; 0 if the mistake concerns the whole list.
	Row int
	// Column is the column's letter with its header, such as "B (merchant_id)"; empty if the mistake concerns the
	// whole row.
	Column string
	// Text says what is wrong. It holds no secret.
	Text string
}

// String returns the mistake with its place.
func (p Problem) String() string {
	switch {
	case p.Row == 0:
		return p.Text
	case p.Column == "":
		return fmt.Sprintf("Row %d: %s", p.Row, p.Text)
	}
	return fmt.Sprintf("Row %d, column %s: %s", p.Row, p.Column, p.Text)
}

// Error has the mistakes of a list, at least one.
type Error struct{ Problems []Problem }

// shownProblems is the number of mistakes in a message.
const shownProblems = 20

// Error returns the mistakes, one on each line. It counts those that are too many.
func (e *Error) Error() string {
	var lines []string
	for i, p := range e.Problems {
		if i == shownProblems {
			lines = append(lines, fmt.Sprintf("And %d more.", len(e.Problems)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func refusal(text string) error { return &Error{Problems: []Problem{{Text: text}}} }

// decode returns the text of a file in UTF-8 with or without a byte order mark, in UTF-16 with one, or in
// Windows-1252. Lines end with "\n".
func decode(content []byte) (string, error) {
	switch {
	case bytes.HasPrefix(content, []byte("PK\x03\x04")), bytes.HasPrefix(content, []byte("\xD0\xCF\x11\xE0")):
		return "", refusal("This is a workbook, not a text file. Save the sheet as CSV.")
	case bytes.HasPrefix(content, []byte("\xFF\xFE")), bytes.HasPrefix(content, []byte("\xFE\xFF")):
		decoded, err := textunicode.UTF16(textunicode.LittleEndian, textunicode.ExpectBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", refusal("The file has a byte order mark of UTF-16, but is not UTF-16. Save it as CSV UTF-8.")
		}
		content = decoded
	case !utf8.Valid(content):
		decoded, err := charmap.Windows1252.NewDecoder().Bytes(content)
		if err != nil {
			return "", refusal("The file is neither UTF-8 nor Windows-1252. Save it as CSV UTF-8.")
		}
		content = decoded
	}
	text := strings.TrimPrefix(string(content), byteOrderMark)
	switch {
	case strings.Contains(text, "\x00"):
		// Whether it is UTF-16, and which, would be a guess, and a wrong guess could change a token.
		return "", refusal("The file looks like UTF-16 without a byte order mark. Save it as CSV UTF-8.")
	case strings.Contains(text, "\uFFFD"):
		return "", refusal("The file has lost some characters, because it was saved in an encoding other than UTF-8, " +
			"UTF-16 or Windows-1252. Save it as CSV UTF-8.")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.ReplaceAll(text, "\r", "\n"), nil
}

const byteOrderMark = "\uFEFF"

// table has the rows and the headers of a list.
type table struct {
	// columns has the index of each column, by its folded header.
	columns map[string]int
	headers []string
	rows    []row
}

// row is one row. It has a cell for each column.
type row struct {
	number int
	cells  []string
}

// readTable reads the rows of a text. It skips empty rows.
func readTable(text string) (table, error) {
	text, separator := cutSeparator(text)
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = separator
	reader.FieldsPerRecord = -1
	// A separating tab is no leading space.
	reader.TrimLeadingSpace = separator != '\t'
	var t table
	var problems []Problem
	for skipped := 0; ; {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return table{}, quotingError(err, skipped)
		}
		line, _ := reader.FieldPos(0)
		number := line - skipped
		for i, cell := range cells {
			// A cell with several lines is part of one row.
			skipped += strings.Count(cell, "\n")
			cells[i] = trim(cell)
		}
		switch {
		case strings.Join(cells, "") == "":
		case t.columns == nil:
			problems = append(problems, t.addHeaders(number, cells)...)
		default:
			problems = append(problems, t.addRow(number, cells)...)
		}
	}
	if len(problems) > 0 {
		return table{}, &Error{Problems: problems}
	}
	if t.columns == nil {
		return table{}, refusal("The list is empty.")
	}
	return t, nil
}

// quotingError returns the place of a wrong quotation mark. It does not quote the cell.
func quotingError(err error, skipped int) error {
	number := 0
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		number = parse.StartLine - skipped
	}
	return &Error{Problems: []Problem{{
		Row: number, Text: "A quotation mark is out of place. Quote a cell as a whole, and double the quotation marks in it.",
	}}}
}

// cutSeparator removes Excel's line that names the separator, and returns the separator: the named one, or else the
// most frequent one of the first line.
func cutSeparator(text string) (string, rune) {
	first, rest, _ := strings.Cut(text, "\n")
	named := []rune(strings.Trim(strings.TrimSpace(first), `"`))
	if len(named) == len("sep=;") && strings.EqualFold(string(named[:4]), "sep=") && validSeparator(named[4]) {
		return rest, named[4]
	}
	if strings.EqualFold(strings.TrimLeft(first, " "), "sep=\t") {
		return rest, '\t'
	}
	header := strings.TrimLeft(text, "\n")
	header, _, _ = strings.Cut(header, "\n")
	best := ','
	for _, candidate := range ";\t" {
		if strings.Count(header, string(candidate)) > strings.Count(header, string(best)) {
			best = candidate
		}
	}
	return text, best
}

func validSeparator(r rune) bool {
	return r != '"' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' '
}

// addHeaders reads the first row.
func (t *table) addHeaders(number int, cells []string) (problems []Problem) {
	t.columns = make(map[string]int, len(cells))
	t.headers = cells
	for i, header := range cells {
		name := fold(header)
		if name == "" {
			continue
		}
		if _, twice := t.columns[name]; twice {
			problems = append(problems, Problem{Row: number, Column: letters(i), Text: "Another column has the same name."})
		}
		t.columns[name] = i
	}
	return problems
}

// addRow takes one of the table's other rows.
func (t *table) addRow(number int, cells []string) (problems []Problem) {
	for i, cell := range cells {
		if cell != "" && (i >= len(t.headers) || t.headers[i] == "") {
			problems = append(problems, Problem{Row: number, Column: letters(i), Text: "The column has no header, and this cell is not empty."})
		}
	}
	for len(cells) < len(t.headers) {
		cells = append(cells, "")
	}
	t.rows = append(t.rows, row{number: number, cells: cells})
	return problems
}

// require returns an error for the first missing column.
func (t *table) require(names ...string) error {
	for _, name := range names {
		if _, ok := t.columns[name]; !ok {
			return refusal(fmt.Sprintf("The list has no column %s. Its first row must name the columns %s, with commas, semicolons or tabs between them.",
				name, strings.Join(names, " and ")))
		}
	}
	return nil
}

// cell returns a row's cell in a column; empty if the column is missing.
func (t *table) cell(r row, name string) string {
	i, ok := t.columns[name]
	if !ok {
		return ""
	}
	return r.cells[i]
}

// problem returns a mistake in a cell.
func (t *table) problem(r row, name, text string) Problem {
	return Problem{Row: r.number, Column: letters(t.columns[name]) + " (" + name + ")", Text: text}
}

// fold returns a header in the form for comparisons.
func fold(header string) string {
	words := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return isPadding(r) || r == '-' || r == '_' })
	return strings.Join(words, "_")
}

// trim removes spaces around a cell, also the invisible ones that web pages contain.
func trim(cell string) string { return strings.TrimFunc(cell, isPadding) }

func isPadding(r rune) bool { return unicode.IsSpace(r) || r == '\u200B' || r == '\uFEFF' }

// letters returns the letters of the column with index i.
func letters(i int) string {
	const alphabet = 26
	name := ""
	for i++; i > 0; i = (i - 1) / alphabet {
		name = string(rune('A'+(i-1)%alphabet)) + name
	}
	return name
}
