// The verdicts of github.com/go-webauthn/webauthn.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

type question struct {
	Kind             string `json:"kind"`
	Origin           string `json:"origin"`
	RPID             string `json:"rp_id"`
	Challenge        string `json:"challenge"`
	UserVerification string `json:"user_verification"`
	UserHandle       string `json:"user_handle"`
	IsForAnybody     bool   `json:"is_for_anybody"`
	Stored           *kept  `json:"stored"`
	Credential       string `json:"credential"`
}

type kept struct {
	CredentialID   string `json:"credential_id"`
	PublicKey      string `json:"public_key"`
	UserHandle     string `json:"user_handle"`
	AAGUID         string `json:"aaguid"`
	SignCount      uint32 `json:"sign_count"`
	UserVerified   bool   `json:"user_verified"`
	BackupEligible bool   `json:"backup_eligible"`
	BackedUp       bool   `json:"backed_up"`
}

type verdict struct {
	Accepts bool   `json:"accepts"`
	Why     string `json:"why"`
}

// A person with at most one passkey.
type person struct {
	handle  []byte
	passkey []webauthn.Credential
}

func (p person) WebAuthnID() []byte                         { return p.handle }
func (p person) WebAuthnName() string                       { return "ada@example.com" }
func (p person) WebAuthnDisplayName() string                { return "Ada" }
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.passkey }

func bytesOf(text string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

func (k kept) credential() webauthn.Credential {
	return webauthn.Credential{
		ID:        bytesOf(k.CredentialID),
		PublicKey: bytesOf(k.PublicKey),
		Flags: webauthn.CredentialFlags{
			UserPresent:    true,
			UserVerified:   k.UserVerified,
			BackupEligible: k.BackupEligible,
			BackupState:    k.BackedUp,
		},
		Authenticator: webauthn.Authenticator{AAGUID: bytesOf(k.AAGUID), SignCount: k.SignCount},
	}
}

// What the library says. That a counter does not rise is a warning of it, which its users have to look at.
func judge(asked question) error {
	party, err := webauthn.New(&webauthn.Config{
		RPID: asked.RPID, RPDisplayName: "Example", RPOrigins: []string{asked.Origin},
	})
	if err != nil {
		panic(err)
	}
	session := webauthn.SessionData{
		Challenge:        asked.Challenge,
		RelyingPartyID:   asked.RPID,
		UserID:           bytesOf(asked.UserHandle),
		UserVerification: protocol.UserVerificationRequirement(asked.UserVerification),
	}
	if asked.Kind == "create" {
		for _, algorithm := range []int{-8, -7, -257} {
			session.CredParams = append(session.CredParams, protocol.CredentialParameter{
				Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(algorithm),
			})
		}
		response, err := protocol.ParseCredentialCreationResponseBytes([]byte(asked.Credential))
		if err != nil {
			return err
		}
		_, err = party.CreateCredential(person{handle: session.UserID}, session, response)
		return err
	}
	response, err := protocol.ParseCredentialRequestResponseBytes([]byte(asked.Credential))
	if err != nil {
		return err
	}
	owner := person{bytesOf(asked.Stored.UserHandle), []webauthn.Credential{asked.Stored.credential()}}
	if !asked.IsForAnybody {
		session.AllowedCredentialIDs = [][]byte{owner.passkey[0].ID}
		credential, err := party.ValidateLogin(owner, session, response)
		return orWarning(credential, err)
	}
	session.UserID = nil
	find := func(_, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, owner.handle) {
			return nil, errors.New("nobody has this handle")
		}
		return owner, nil
	}
	_, credential, err := party.ValidatePasskeyLogin(find, session, response)
	return orWarning(credential, err)
}

func orWarning(credential *webauthn.Credential, err error) error {
	if err == nil && credential.Authenticator.CloneWarning {
		return errors.New("clone warning")
	}
	return err
}

func describe(err error) string {
	var told *protocol.Error
	if errors.As(err, &told) {
		return fmt.Sprintf("%s: %s", told.Details, told.DevInfo)
	}
	return err.Error()
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		answer := verdict{Accepts: true}
		if err := judge(asked); err != nil {
			answer = verdict{Why: describe(err)}
		}
		if err := out.Encode(answer); err != nil {
			panic(err)
		}
	}
}
