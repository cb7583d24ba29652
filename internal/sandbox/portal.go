package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const defaultPageSize = 50

func portalMount() *mount {
	return &mount{
		api:      Portal,
		prefix:   portalPrefix,
		identify: identifyUser,
		admit:    admitUser,
		refuse:   kustomError,
		routes: []*route{
			{method: http.MethodGet, template: "/stores", handle: (*Sandbox).listStores},
			{method: http.MethodGet, template: "/credentials", handle: (*Sandbox).listCredentials},
			{method: http.MethodPost, template: "/stores/{merchant_id}/credentials", handle: (*Sandbox).createCredential},
			{method: http.MethodGet, template: "/stores/{merchant_id}/credentials/{credential_id}", handle: (*Sandbox).getCredential},
			{method: http.MethodDelete, template: "/stores/{merchant_id}/credentials/{credential_id}", handle: (*Sandbox).deleteCredential},
			{method: http.MethodGet, template: "/stores/{merchant_id}/endpoint-status", handle: (*Sandbox).getEndpointStatus},
		},
	}
}

func identifyUser(s *Sandbox, c *call) {
	c.token = bearer(c.http.Header)
	c.user = s.state.userByToken[c.token]
}

func admitUser(_ *Sandbox, c *call) *answer {
	if c.user == nil {
		return kustomError(http.StatusUnauthorized, "UNAUTHORIZED", "the token is missing or wrong")
	}
	if c.user.Expired {
		return kustomError(http.StatusUnauthorized, "UNAUTHORIZED", "the token has expired")
	}
	// Staff may list stores, but not use Integrations.
	if c.user.Role == RoleStaff && (c.route == nil || c.route.template != "/stores") {
		return kustomError(http.StatusForbidden, "FORBIDDEN", "this user's role can't see Integrations")
	}
	return nil
}

// The bodies of the portal's API, by the contract.
type (
	kustomErrorBody struct {
		ErrorCode     string   `json:"error_code"`
		ErrorMessages []string `json:"error_messages"`
		CorrelationID string   `json:"correlation_id"`
		CredentialID  string   `json:"credential_id,omitempty"`
	}
	storeBody struct {
		MerchantID string `json:"merchant_id"`
		Name       string `json:"name"`
		Website    string `json:"website"`
	}
	storesBody struct {
		Stores     []storeBody `json:"stores"`
		NextCursor *string     `json:"next_cursor"`
	}
	credentialBody struct {
		CredentialID string     `json:"credential_id"`
		MerchantID   string     `json:"merchant_id"`
		Username     string     `json:"username"`
		Description  *string    `json:"description"`
		Environment  string     `json:"environment"`
		Host         string     `json:"host,omitempty"`
		Status       string     `json:"status"`
		CreatedAt    time.Time  `json:"created_at"`
		CreatedBy    string     `json:"created_by"`
		LastUsedAt   *time.Time `json:"last_used_at"`
		ExpiresAt    *time.Time `json:"expires_at"`
		Secret       string     `json:"secret,omitempty"`
	}
	credentialsBody struct {
		Credentials []credentialBody `json:"credentials"`
		NextCursor  *string          `json:"next_cursor"`
	}
)

// kustomAnswer returns an answer of Kustom's APIs, with a new correlation ID.
func kustomAnswer(status int, value any) *answer {
	a := &answer{status: status, header: http.Header{}, contentType: "application/json", value: value}
	return a.with("Correlation-Id", uuid.NewString())
}

func kustomError(status int, code, message string) *answer {
	a := kustomAnswer(status, nil)
	a.value = kustomErrorBody{
		ErrorCode:     code,
		ErrorMessages: []string{message},
		CorrelationID: a.header.Get("Correlation-Id"),
	}
	return a
}

func notFound(message string) *answer {
	return kustomError(http.StatusNotFound, "NOT_FOUND", message)
}

func (u *User) canSee(merchantID string) bool {
	return u.Stores == nil || slices.Contains(u.Stores, merchantID)
}

// visibleStore returns a store that the caller can see, or nil. An invisible store looks like one that does not
// exist.
func (s *Sandbox) visibleStore(c *call) *store {
	st := s.state.storeByID[c.merchantID()]
	if st == nil || !c.user.canSee(st.MerchantID) {
		return nil
	}
	return st
}

func (s *Sandbox) listStores(c *call) *answer {
	after, ok := c.cursor()
	if !ok {
		return s.badCursor(c)
	}
	var stores []numbered[storeBody]
	for i, st := range s.state.stores {
		if c.user.canSee(st.MerchantID) {
			stores = append(stores, numbered[storeBody]{i + 1, storeBody{st.MerchantID, st.Name, st.Website}})
		}
	}
	page, next := onePage(c, stores, after)
	return kustomAnswer(http.StatusOK, storesBody{Stores: page, NextCursor: next})
}

func (s *Sandbox) listCredentials(c *call) *answer {
	keys := s.state.keys
	if c.merchantID() != "" {
		st := s.visibleStore(c)
		if st == nil {
			return notFound("there is no such store")
		}
		keys = st.keys
	}
	after, ok := c.cursor()
	if !ok {
		return s.badCursor(c)
	}
	var visible []numbered[*key]
	for _, k := range keys {
		if c.user.canSee(k.MerchantID) {
			visible = append(visible, numbered[*key]{k.number, k})
		}
	}
	page, next := onePage(c, visible, after)
	credentials := make([]credentialBody, len(page))
	for i, k := range page {
		credentials[i] = s.credential(k)
	}
	return kustomAnswer(http.StatusOK, credentialsBody{Credentials: credentials, NextCursor: next})
}

func (s *Sandbox) getCredential(c *call) *answer {
	k, a := s.pathKey(c)
	if a != nil {
		return a
	}
	if k.Status == StatusPending {
		k.reads++
		if k.reads >= s.options.Pending {
			k.Status = StatusActive
		}
	}
	body := s.credential(k)
	if k.Status == StatusActive && k.secretDue {
		k.secretDue = false
		body.Secret = k.Secret
	}
	return kustomAnswer(http.StatusOK, body)
}

func (s *Sandbox) createCredential(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return notFound("there is no such store")
	}
	var body struct {
		Description *string `json:"description"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return kustomError(http.StatusBadRequest, "BAD_VALUE", "the body is not what the contract says")
	}
	if a := s.replay(c, body.Description); a != nil {
		return a
	}
	if s.full(st) {
		return kustomError(http.StatusConflict, "CREDENTIAL_LIMIT_REACHED",
			"the store has "+strconv.Itoa(len(st.keys))+" keys, and can't have more")
	}
	k := s.makeKey(st, body.Description, c.user.Email)
	s.state.madeBy[c.record.IdempotencyKey] = made{st.MerchantID, text(body.Description), k.CredentialID}
	return s.created(k)
}

// created answers with a new key: at once, or as PENDING.
func (s *Sandbox) created(k *key) *answer {
	if k.Status == StatusPending {
		k.secretDue = true
		return kustomAnswer(http.StatusAccepted, s.credential(k)).with("Retry-After", "1")
	}
	body := s.credential(k)
	body.Secret = k.Secret
	return kustomAnswer(http.StatusCreated, body)
}

// replay returns the answer for an Idempotency-Key that has already made a key, or nil.
func (s *Sandbox) replay(c *call, description *string) *answer {
	m, used := s.state.madeBy[c.record.IdempotencyKey]
	// Only an unchecked sandbox gets a request without an Idempotency-Key here.
	if !used || c.record.IdempotencyKey == "" {
		return nil
	}
	if m.merchantID != c.merchantID() || m.description != text(description) {
		s.violate(ViolationIdempotencyReuse, "store %s: it generated key %s of store %s", c.merchantID(), m.credentialID, m.merchantID)
	}
	a := kustomError(http.StatusConflict, "IDEMPOTENCY_REPLAY", "this Idempotency-Key has made a key already; its secret is not shown again")
	body, _ := a.value.(kustomErrorBody)
	body.CredentialID = m.credentialID
	a.value = body
	return a
}

func (s *Sandbox) deleteCredential(c *call) *answer {
	k, a := s.pathKey(c)
	if a != nil {
		return a
	}
	s.revoke(k)
	return kustomAnswer(http.StatusNoContent, nil)
}

func (s *Sandbox) getEndpointStatus(c *call) *answer {
	st := s.visibleStore(c)
	if st == nil {
		return notFound("there is no such store")
	}
	return kustomAnswer(http.StatusOK, s.endpointStatus(st))
}

// pathKey returns the key in the path, or the answer if there is none.
func (s *Sandbox) pathKey(c *call) (*key, *answer) {
	st := s.visibleStore(c)
	if st == nil {
		return nil, notFound("there is no such store")
	}
	k := st.key(c.params["credential_id"])
	if k == nil {
		return nil, notFound("the store has no such key")
	}
	return k, nil
}

// credential returns the key as the portal shows it, without the secret.
func (s *Sandbox) credential(k *key) credentialBody {
	body := credentialBody{
		CredentialID: k.CredentialID,
		MerchantID:   k.MerchantID,
		Username:     k.Username,
		Description:  k.Description,
		Environment:  s.state.hosts.environment,
		Host:         k.Host,
		Status:       k.Status,
		CreatedAt:    k.CreatedAt,
		CreatedBy:    k.CreatedBy,
		LastUsedAt:   k.LastUsedAt,
		ExpiresAt:    k.ExpiresAt,
	}
	if s.options.HideHost {
		body.Host = ""
	}
	return body
}

// numbered is an item of a list with its number, which never changes.
type numbered[T any] struct {
	number int
	item   T
}

// onePage returns the requested page of the items after a number.
func onePage[T any](c *call, all []numbered[T], after int) ([]T, *string) {
	limit := defaultPageSize
	if n, err := strconv.Atoi(c.http.URL.Query().Get("limit")); err == nil {
		limit = n
	}
	page := []T{}
	last := after
	for _, v := range all {
		if v.number <= after {
			continue
		}
		if len(page) == limit {
			next := c.cursorAt(last)
			return page, &next
		}
		page = append(page, v.item)
		last = v.number
	}
	return page, nil
}

// position is the content of a cursor. It names the list, because a cursor of one list is invalid in another.
type position struct {
	List       string `json:"l"`
	MerchantID string `json:"m"`
	After      int    `json:"a"`
}

func (c *call) cursorAt(number int) string {
	// Three plain fields always encode.
	data, _ := json.Marshal(position{c.route.template, c.merchantID(), number})
	return base64.RawURLEncoding.EncodeToString(data)
}

// cursor returns the number after which the page starts. It returns false if the sandbox did not issue the cursor for
// this list.
func (c *call) cursor() (int, bool) {
	text := c.http.URL.Query().Get("cursor")
	if text == "" {
		return 0, true
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, false
	}
	var p position
	if err := json.Unmarshal(data, &p); err != nil {
		return 0, false
	}
	return p.After, p.List == c.route.template && p.MerchantID == c.merchantID()
}

// badCursor is the answer to an invalid cursor, which OpenAPI cannot express.
func (s *Sandbox) badCursor(c *call) *answer {
	s.violate(ViolationContract, "%s %s: the cursor is not one that this list gave", c.record.Method, c.record.Template)
	return kustomError(http.StatusBadRequest, "BAD_VALUE", "the cursor is not one that this list gave")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
