package shoplist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const columnToken = "token"

// ParseTokens returns the tokens of a file, by shop: a JSON object, or a CSV file with the columns shop and token. It
// removes spaces around names and tokens. No error quotes the file, because it holds secrets.
func ParseTokens(content []byte) (map[string]string, error) {
	text, err := decode(content)
	if err != nil {
		return nil, err
	}
	if begun := trim(text); strings.HasPrefix(begun, "{") || strings.HasPrefix(begun, "[") {
		return tokensFromJSON(text)
	}
	t, err := readTable(text)
	if err != nil {
		return nil, err
	}
	if err := t.require(columnShop, columnToken); err != nil {
		return nil, err
	}
	tokens := make(map[string]string, len(t.rows))
	var problems []Problem
	for _, r := range t.rows {
		shop, token := t.cell(r, columnShop), t.cell(r, columnToken)
		_, twice := tokens[shop]
		switch {
		case !IsName(shop):
			// It may be a token, because the two are easily swapped.
			problems = append(problems, t.problem(r, columnShop, "The cell is not the name of a Mystore shop. It is not shown because it may be a token."))
		case twice:
			problems = append(problems, t.problem(r, columnShop, fmt.Sprintf("The shop %s is in the file more than once.", shop)))
		case token == "":
			problems = append(problems, t.problem(r, columnToken, fmt.Sprintf("The token of shop %s is empty.", shop)))
		}
		tokens[shop] = token
	}
	if len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	return tokens, nil
}

// tokensFromJSON reads the members one by one, to reject a shop with two tokens.
func tokensFromJSON(text string) (map[string]string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	malformed := func() error {
		line := 1 + strings.Count(text[:min(int(decoder.InputOffset()), len(text))], "\n")
		return refusal(fmt.Sprintf(`Line %d is not part of a JSON object from shop to token, such as {"my-shop": "token"}.`, line))
	}
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed()
	}
	tokens := map[string]string{}
	for decoder.More() {
		key, err := decoder.Token()
		name, isText := key.(string)
		if err != nil || !isText {
			return nil, malformed()
		}
		var token *string
		if err := decoder.Decode(&token); err != nil || token == nil {
			return nil, malformed()
		}
		name = trim(name)
		if _, twice := tokens[name]; twice && IsName(name) {
			return nil, refusal(fmt.Sprintf("The shop %s is in the file more than once.", name))
		}
		tokens[name] = trim(*token)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, malformed()
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed()
	}
	return tokens, nil
}
