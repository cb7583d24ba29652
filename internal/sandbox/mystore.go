package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	jsonAPI    = "application/vnd.api+json"
	rateLimit  = 120
	rateWindow = time.Minute
)

func mystoreMount() *mount {
	return &mount{
		api:      Mystore,
		prefix:   mystorePrefix,
		identify: identifyShop,
		admit:    admitShop,
		refuse:   mystoreError,
		routes: []*route{
			{method: http.MethodGet, template: "/shops/{shop}/settings", handle: (*Sandbox).getSettings},
			{method: http.MethodGet, template: "/shops/{shop}/extensions", handle: (*Sandbox).listExtensions},
			{method: http.MethodGet, template: "/shops/{shop}/extensions/klarna-checkout-v3/credentials", handle: (*Sandbox).getExtensionCredentials},
			{method: http.MethodPatch, template: "/shops/{shop}/extensions/klarna-checkout-v3/credentials", handle: (*Sandbox).updateExtensionCredentials},
		},
	}
}

func identifyShop(s *Sandbox, c *call) {
	c.token = bearer(c.http.Header)
	c.tokenShop = s.state.shopByToken[c.token]
}

func admitShop(s *Sandbox, c *call) *answer {
	if c.tokenShop == nil {
		return mystoreError(http.StatusUnauthorized, "unauthorized", "the token is missing or wrong")
	}
	if wait := s.overLimit(c.token); wait > 0 {
		return mystoreError(http.StatusTooManyRequests, "too_many_requests", "more than 120 requests in a minute").
			with("Retry-After", strconv.Itoa(wait))
	}
	if c.route == nil {
		return nil
	}
	if c.params["shop"] != c.tokenShop.Name {
		return mystoreError(http.StatusForbidden, "forbidden", "the token is for another shop")
	}
	if p := c.permission(); p != "" && !c.tokenShop.permits(p) {
		return mystoreError(http.StatusForbidden, "forbidden", "the token lacks the permission "+p)
	}
	return nil
}

// permission returns the permission that the call needs; empty for the settings, which need none.
func (c *call) permission() string {
	if c.route.template == "/shops/{shop}/settings" {
		return ""
	}
	if c.route.method == http.MethodGet {
		return PermissionReadExtensions
	}
	return PermissionWriteExtensions
}

func (sh *Shop) permits(permission string) bool {
	return sh.Permissions == nil || slices.Contains(sh.Permissions, permission)
}

// overLimit counts a use of the token. If the token is over its limit, it returns the seconds until the next use is
// allowed, and does not count.
func (s *Sandbox) overLimit(token string) int {
	now := s.now()
	recent := slices.DeleteFunc(s.uses[token], func(t time.Time) bool { return now.Sub(t) >= rateWindow })
	s.uses[token] = recent
	if len(recent) < rateLimit {
		s.uses[token] = append(recent, now)
		return 0
	}
	wait := recent[0].Add(rateWindow).Sub(now)
	return int((wait + time.Second - 1) / time.Second)
}

// The bodies of the Mystore API, by the contract.
type (
	resource[T any] struct {
		Type       string `json:"type"`
		ID         string `json:"id"`
		Attributes T      `json:"attributes"`
	}
	document[T any] struct {
		Data  T      `json:"data"`
		Links *links `json:"links,omitempty"`
	}
	links struct {
		Self string  `json:"self"`
		Next *string `json:"next"`
	}
	extensionAttributes struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Active  bool   `json:"active"`
	}
	credentialsAttributes struct {
		KustomID  *string    `json:"kustom_id"`
		SecretSet bool       `json:"secret_set"`
		UpdatedAt *time.Time `json:"updated_at"`
	}
	pairAttributes struct {
		KustomID     *string `json:"kustom_id"`
		KustomSecret *string `json:"kustom_secret"`
	}
	mystoreErrorBody struct {
		Status string         `json:"status"`
		Code   string         `json:"code"`
		Title  string         `json:"title"`
		Detail string         `json:"detail"`
		Source *mystoreSource `json:"source,omitempty"`
	}
	mystoreSource struct {
		Pointer string `json:"pointer"`
	}
	mystoreErrorsBody struct {
		Errors []mystoreErrorBody `json:"errors"`
	}
)

func mystoreAnswer(value any) *answer {
	return &answer{status: http.StatusOK, header: http.Header{}, contentType: jsonAPI, value: value}
}

func mystoreError(status int, code, detail string) *answer {
	return mystoreErrorAt(status, code, detail, nil)
}

func mystoreErrorAt(status int, code, detail string, source *mystoreSource) *answer {
	a := mystoreAnswer(mystoreErrorsBody{Errors: []mystoreErrorBody{{
		Status: strconv.Itoa(status),
		Code:   strings.ToLower(code),
		Title:  http.StatusText(status),
		Detail: detail,
		Source: source,
	}}})
	a.status = status
	return a
}

func (s *Sandbox) getSettings(c *call) *answer {
	a := mystoreAnswer(map[string]any{
		"name":     c.tokenShop.Name,
		"domain":   c.tokenShop.Name + ".mystore.example",
		"country":  "NO",
		"currency": "NOK",
	})
	a.contentType = "application/json"
	return a
}

func (s *Sandbox) listExtensions(c *call) *answer {
	number, size := c.pageNumber("page[number]", 1), c.pageNumber("page[size]", defaultPageSize)
	all := c.tokenShop.Extensions
	start := min((number-1)*size, len(all))
	end := min(start+size, len(all))
	body := document[[]resource[extensionAttributes]]{
		Data:  []resource[extensionAttributes]{},
		Links: &links{Self: c.pageLink(number, size)},
	}
	for _, e := range all[start:end] {
		body.Data = append(body.Data, resource[extensionAttributes]{"extensions", e.ID, extensionAttributes{e.Name, e.Version, e.Active}})
	}
	if end < len(all) {
		next := c.pageLink(number+1, size)
		body.Links.Next = &next
	}
	return mystoreAnswer(body)
}

func (c *call) pageNumber(name string, otherwise int) int {
	n, err := strconv.Atoi(c.http.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

func (c *call) pageLink(number, size int) string {
	scheme := "http"
	if c.http.TLS != nil {
		scheme = "https"
	}
	query := url.Values{"page[number]": {strconv.Itoa(number)}, "page[size]": {strconv.Itoa(size)}}
	return fmt.Sprintf("%s://%s%s%s?%s", scheme, c.http.Host, c.mount.prefix, c.path, query.Encode())
}

func (s *Sandbox) getExtensionCredentials(c *call) *answer {
	if c.tokenShop.extension(KlarnaCheckoutV3) == nil {
		return notInstalled()
	}
	return extensionCredentials(c.tokenShop)
}

func notInstalled() *answer {
	return mystoreError(http.StatusNotFound, "not_found", "the extension "+KlarnaCheckoutV3+" is not installed")
}

func extensionCredentials(sh *Shop) *answer {
	attributes := credentialsAttributes{SecretSet: sh.KustomSecret != "", UpdatedAt: sh.UpdatedAt}
	if sh.KustomID != "" {
		attributes.KustomID = &sh.KustomID
	}
	return mystoreAnswer(document[resource[credentialsAttributes]]{
		Data: resource[credentialsAttributes]{"extension-credentials", KlarnaCheckoutV3, attributes},
	})
}

func (s *Sandbox) updateExtensionCredentials(c *call) *answer {
	sh := c.tokenShop
	if sh.extension(KlarnaCheckoutV3) == nil {
		return notInstalled()
	}
	var body document[resource[pairAttributes]]
	if err := json.Unmarshal(c.body, &body); err != nil {
		return mystoreError(http.StatusBadRequest, "bad_value", "the body is not what the contract says")
	}
	pair := body.Data.Attributes
	if a := pair.check(); a != nil {
		return a
	}
	s.update(sh, text(pair.KustomID), text(pair.KustomSecret))
	return extensionCredentials(sh)
}

// check returns the refusal of an invalid pair, or nil.
func (p pairAttributes) check() *answer {
	if (p.KustomID == nil) != (p.KustomSecret == nil) {
		return invalid("kustom_secret", "kustom_id and kustom_secret are set or cleared together")
	}
	if p.KustomID == nil {
		return nil
	}
	if !isTrimmed(*p.KustomID) {
		return invalid("kustom_id", "kustom_id is empty or has white space around it")
	}
	if !isTrimmed(*p.KustomSecret) {
		return invalid("kustom_secret", "kustom_secret is empty or has white space around it")
	}
	return nil
}

func isTrimmed(value string) bool { return value != "" && strings.TrimSpace(value) == value }

func invalid(attribute, detail string) *answer {
	source := &mystoreSource{Pointer: "/data/attributes/" + attribute}
	return mystoreErrorAt(http.StatusUnprocessableEntity, "invalid_value", detail, source)
}
